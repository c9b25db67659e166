//! Group commit: many transitions, one transaction, each caller woken when its own is durable.
//!
//! A disk makes a few hundred durable commits a second, a batch has thousands of transitions. So
//! one writer writes: it takes whatever has queued up while the last commit was on its way, and
//! commits that at once. Under load it waits a moment for company; a single writer never waits.
//!
//! Invariant: transitions of one row are written in the order in which they were handed in. After
//! the first failure nothing is written any more, and everybody who waits learns why: to go on
//! after a write was lost would be to pay without books.

use std::{sync::Arc, thread, time::Instant};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::{mpsc, oneshot},
    task::{self, JoinHandle},
};

use crate::{
    clock::Clock,
    error::Error,
    event::{Measured, Observer},
    policy::Policy,
    store::{Lease, Store, Transition},
};

/// A commit with this many transitions means load: the next one may wait for company.
const LOAD: usize = 8;

type Done = oneshot::Sender<Result<(), Arc<Error>>>;

/// The way into the journal.
pub(crate) struct Journal {
    queue: mpsc::UnboundedSender<(Transition, Done)>,
}

/// Tells when a transition is durable.
pub(crate) struct Ack(oneshot::Receiver<Result<(), Arc<Error>>>);

impl Ack {
    pub(crate) async fn durable(self) -> Result<(), Error> {
        match self.0.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Error::shared(error)),
            Err(_) => Err(Error::store("write: the journal ended", "its task is gone")),
        }
    }
}

impl Journal {
    /// Starts the writing task. It ends when the journal is dropped and all that was handed in is
    /// written; whoever needs that moment awaits the handle.
    pub(crate) fn open(
        store: Arc<dyn Store>,
        lease: Arc<Lease>,
        policy: Policy,
        clock: Clock,
        observer: Arc<dyn Observer>,
    ) -> (Self, JoinHandle<()>) {
        let (queue, incoming) = mpsc::unbounded_channel();
        let writer = Writer { store, lease, policy, clock, observer, incoming };
        (Self { queue }, writer.begin())
    }

    /// Hands a transition in. The queue is as long as there are rows in flight.
    pub(crate) fn write(&self, transition: Transition) -> Ack {
        let (done, ack) = oneshot::channel();
        // If the task is gone the sender is dropped here, and the ack says so.
        let _ = self.queue.send((transition, done));
        Ack(ack)
    }
}

struct Writer {
    store: Arc<dyn Store>,
    lease: Arc<Lease>,
    policy: Policy,
    clock: Clock,
    observer: Arc<dyn Observer>,
    incoming: mpsc::UnboundedReceiver<(Transition, Done)>,
}

impl Writer {
    /// A commit is several questions to the database, one after the other. A task is looked at late
    /// after each answer, behind hundreds of calls that are under way; a thread of its own is not.
    /// Where all shares one thread it stays there, because then time may be a test's.
    fn begin(self) -> JoinHandle<()> {
        let (runtime, linger) = (Handle::current(), self.policy.linger);
        match runtime.runtime_flavor() {
            RuntimeFlavor::CurrentThread => {
                task::spawn(self.run(async move || tokio::time::sleep(linger).await))
            }
            // The runtime's own timers go by the millisecond: so long a wait may take two.
            _ => task::spawn_blocking(move || {
                runtime.block_on(self.run(async move || thread::sleep(linger)))
            }),
        }
    }

    async fn run(mut self, linger: impl AsyncFn()) {
        let mut transitions = Vec::new();
        let mut waiting = Vec::new();
        let mut last = 0;
        let mut broken: Option<Arc<Error>> = None;
        while let Some(first) = self.incoming.recv().await {
            if last >= LOAD && self.incoming.len() < last {
                linger().await;
            }
            for (transition, done) in std::iter::once(first)
                .chain(std::iter::from_fn(|| self.incoming.try_recv().ok()))
                .take(self.policy.commit_max.max(1))
            {
                transitions.push(transition);
                waiting.push(done);
            }
            last = transitions.len();
            if broken.is_none() {
                let began = Instant::now();
                let written = self.store.write(&self.lease, &transitions, self.clock.now()).await;
                let took = began.elapsed();
                self.observer.measured(&Measured::Commit { transitions: last, took });
                broken = written.err().map(Arc::new);
            }
            transitions.clear();
            for done in waiting.drain(..) {
                // A caller that no longer waits was cancelled; its transition is written all the
                // same.
                let _ = done.send(broken.clone().map_or(Ok(()), Err));
            }
        }
    }
}
