//! A line between store and server that can be cut, also in the moment that matters most: when a
//! commit is on its way.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};

/// Where a commit is cut off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cut {
    /// Before the server hears of it.
    Before,
    /// After the server carried it out, and before its answer is heard.
    After,
}

/// The line. It takes connections as long as the test's runtime lives.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    plan: Arc<Plan>,
    cut_all: watch::Sender<u64>,
}

/// Which commits are cut, counted over all connections.
struct Plan {
    is_cut: Box<dyn Fn(u32) -> Option<Cut> + Send + Sync>,
    commits: AtomicU32,
    cuts: AtomicU32,
}

impl Proxy {
    pub(crate) async fn open(
        socket: PathBuf,
        is_cut: impl Fn(u32) -> Option<Cut> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (commits, cuts) = (AtomicU32::new(0), AtomicU32::new(0));
        let plan = Arc::new(Plan { is_cut: Box::new(is_cut), commits, cuts });
        let cut_all = watch::Sender::new(0);
        let (shared, wanted) = (Arc::clone(&plan), cut_all.clone());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (plan, mut cut) = (Arc::clone(&shared), wanted.subscribe());
                let socket = socket.clone();
                tokio::spawn(async move {
                    // A server that is down is what the store has to bear with.
                    let Ok(server) = UnixStream::connect(socket).await else { return };
                    tokio::select! {
                        () = carry(client, server, &plan) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { address, plan, cut_all }
    }

    /// How many commits were cut off.
    pub(crate) fn cuts(&self) -> u32 {
        self.plan.cuts.load(Ordering::SeqCst)
    }

    /// Cuts every connection.
    pub(crate) fn cut_all(&self) {
        self.cut_all.send_modify(|cuts| *cuts += 1);
    }
}

async fn carry(client: TcpStream, server: UnixStream, plan: &Plan) {
    client.set_nodelay(true).unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asks = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            let said = &buffer[..length];
            let cut = said.windows(7).any(|it| it == b"COMMIT\0").then(|| plan.next()).flatten();
            if cut == Some(Cut::Before) || to_server.write_all(said).await.is_err() {
                return None;
            }
            if cut == Some(Cut::After) {
                return Some(());
            }
        }
        None
    };
    let cut = tokio::select! {
        cut = asks => cut,
        () = pass_on(&mut from_server, &mut to_client) => None,
    };
    if cut.is_some() {
        // The server's answer: it is through. Nobody else hears it.
        let _ = from_server.read(&mut [0; 1024]).await;
    }
}

async fn pass_on(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) {
    let _ = tokio::io::copy(from, to).await;
}

impl Plan {
    fn next(&self) -> Option<Cut> {
        let cut = (self.is_cut)(self.commits.fetch_add(1, Ordering::SeqCst) + 1);
        self.cuts.fetch_add(u32::from(cut.is_some()), Ordering::SeqCst);
        cut
    }
}
