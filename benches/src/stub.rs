//! A bare gateway in a process of its own: as little work as HTTP allows.
//!
//! It keeps connections, reads a request's length, service, order number and amount, and writes a
//! reply that was made beforehand (`replies`): at once, or after a while ([`Settings::delay`]).
//! Nothing is checked, neither token nor signature, and it keeps no books. One thread serves all
//! connections, so that the other processor is left to what is measured; it can do several times
//! what any client here asks of it.
//!
//! Where it is told to ([`Settings::limit`]), it admits so many calls a second and refuses the
//! others with a `Retry-After`. What it has seen it tells under [`FIGURES`].

mod figures;
mod late;
mod limit;
mod replies;
mod request;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

use figures::Figures;
use late::Late;
pub use limit::Limit;
use limit::{Answer, Bucket};
use replies::{Asked, Replies};
use request::first_request;

/// Where it tells what it has seen since it was last told to forget, as JSON.
pub const FIGURES: &str = "/stub/figures";

/// Where it is told to forget.
pub const FORGET: &str = "/stub/forget";

/// What it does beyond answering.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// How long it takes for every answer but that to a request for a token.
    pub delay: Duration,
    /// How many calls it admits.
    pub limit: Option<Limit>,
}

/// What all connections share.
struct Gateway {
    replies: Replies,
    late: Option<Late>,
    delay: Duration,
    seen: Mutex<Seen>,
}

struct Seen {
    figures: Figures,
    bucket: Option<Bucket>,
}

/// When an answer goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Now,
    /// After the delay, where there is one.
    Late,
}

/// Serves until it is dropped.
///
/// # Errors
/// Where no connection can be taken any more.
pub async fn serve(listener: TcpListener, settings: Settings) -> io::Result<()> {
    let now = Instant::now();
    let late = (!settings.delay.is_zero()).then(|| Late::start(settings.delay));
    let bucket = settings.limit.map(|limit| Bucket::full(limit, now));
    let seen = Mutex::new(Seen { figures: Figures::default(), bucket });
    let gateway = Gateway { replies: Replies::new()?, late, delay: settings.delay, seen };
    let gateway = Arc::new(gateway);
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        let gateway = Arc::clone(&gateway);
        tokio::spawn(async move {
            // A client that goes away is no error.
            let _ = gateway.serve_one(connection).await;
        });
    }
}

impl Gateway {
    async fn serve_one(&self, connection: TcpStream) -> io::Result<()> {
        let (mut reader, writer) = connection.into_split();
        let writer = Arc::new(writer);
        let (mut bytes, mut out) = (Vec::with_capacity(8_192), Vec::with_capacity(8_192));
        while reader.read_buf(&mut bytes).await? > 0 {
            let arrived = Instant::now();
            let mut done = 0;
            while let Some(request) = first_request(&bytes[done..]) {
                let when = self.answer(request.path, request.body, arrived, &mut out);
                done += request.length;
                match &self.late {
                    Some(late) if when == When::Late => {
                        late.send(arrived, Arc::clone(&writer), std::mem::take(&mut out));
                    }
                    _ => {
                        late::write_all(&writer, &out).await?;
                        out.clear();
                    }
                }
            }
            bytes.drain(..done);
        }
        Ok(())
    }

    /// Writes the answer behind `out`, and says when it goes out.
    fn answer(&self, path: &[u8], body: &[u8], arrived: Instant, out: &mut Vec<u8>) -> When {
        if path == b"/oauth/token" {
            self.replies.token(out);
            return When::Now;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if path == FIGURES.as_bytes() {
            let late = self.late.as_ref().map(Late::mean);
            let room = seen.bucket.as_ref().map(|bucket| bucket.room(arrived));
            replies::plain(&seen.figures.json(arrived, late, room), out);
            return When::Now;
        }
        if path == FORGET.as_bytes() {
            seen.figures = Figures::default();
            seen.bucket = seen.bucket.take().map(|bucket| bucket.filled(arrived));
            replies::plain(&serde_json::Value::Null, out);
            return When::Now;
        }
        let Ok(asked) = serde_json::from_slice::<Asked<'_>>(body) else {
            replies::senseless(out);
            return When::Now;
        };
        let Seen { figures, bucket } = &mut *seen;
        figures.call(asked.concerns_a_payout(), arrived);
        if let Some(bucket) = bucket {
            match bucket.ask(arrived, arrived + self.delay) {
                Answer::Admitted { inside } => figures.inside(inside),
                Answer::Refused { inside, seconds } => {
                    figures.inside(inside);
                    figures.refused += 1;
                    replies::too_much(seconds, out);
                    return When::Late;
                }
            }
        }
        self.replies.answer(&asked, out);
        When::Late
    }
}

#[cfg(test)]
mod tests;
