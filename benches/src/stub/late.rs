//! Answers that go out after a while, without a timer for each.
//!
//! The delay is the same for all, so they stand in one queue, and one task empties it. The
//! runtime's clock has ticks of a millisecond and rounds up; so what is due within the next half
//! tick goes out, too. The mean delay is then what was asked for, which [`Late::mean`] proves, and
//! with thousands of connections the processor wakes once a tick, not once an answer.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Notify;

/// What is due so soon is due.
const A_TICK: Duration = Duration::from_micros(1_300);

/// An answer that waits.
struct Waiting {
    arrived: Instant,
    writer: Arc<OwnedWriteHalf>,
    bytes: Vec<u8>,
}

/// What waits, and how long the others waited.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    sum: Duration,
    count: u32,
}

/// The queue, and the task that empties it.
pub(super) struct Late {
    queue: Arc<Mutex<Queue>>,
    came: Arc<Notify>,
}

impl Late {
    /// Begins to empty the queue, for the life of the runtime.
    pub(super) fn start(delay: Duration) -> Self {
        let (queue, came) = (Arc::new(Mutex::new(Queue::default())), Arc::new(Notify::new()));
        tokio::spawn(empty(Arc::clone(&queue), Arc::clone(&came), delay));
        Self { queue, came }
    }

    /// Sends an answer once the delay since `arrived` is over.
    pub(super) fn send(&self, arrived: Instant, writer: Arc<OwnedWriteHalf>, bytes: Vec<u8>) {
        let mut queue = lock(&self.queue);
        queue.waiting.push_back(Waiting { arrived, writer, bytes });
        drop(queue);
        self.came.notify_one();
    }

    /// The mean of the delays until now.
    pub(super) fn mean(&self) -> Duration {
        let queue = lock(&self.queue);
        queue.sum.checked_div(queue.count).unwrap_or_default()
    }
}

fn lock(queue: &Mutex<Queue>) -> std::sync::MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn empty(queue: Arc<Mutex<Queue>>, came: Arc<Notify>, delay: Duration) {
    let mut due = Vec::new();
    loop {
        let next = take_due(&mut lock(&queue), delay, Instant::now(), &mut due);
        for Waiting { writer, bytes, .. } in due.drain(..) {
            // The socket takes an answer whole, unless the client has stopped reading.
            match writer.try_write(&bytes) {
                Ok(written) if written == bytes.len() => {}
                written => {
                    let written = written.unwrap_or(0);
                    tokio::spawn(async move { write_all(&writer, &bytes[written..]).await });
                }
            }
        }
        match next {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => came.notified().await,
        }
    }
}

/// Moves what is due into `due`, and returns when the next one is.
fn take_due(
    queue: &mut Queue,
    delay: Duration,
    now: Instant,
    due: &mut Vec<Waiting>,
) -> Option<Instant> {
    while let Some(first) = queue.waiting.front() {
        let at = first.arrived + delay;
        if at > now + A_TICK {
            return Some(at);
        }
        queue.sum += now - first.arrived;
        queue.count += 1;
        due.extend(queue.waiting.pop_front());
    }
    None
}

/// Writes all of it.
pub(super) async fn write_all(writer: &OwnedWriteHalf, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match writer.try_write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => writer.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn what_is_due_within_a_tick_goes_out_in_its_order() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let (_client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (_, writer) = accepted.expect("a connection").0.into_split();
        let (writer, delay) = (Arc::new(writer), Duration::from_millis(50));
        let begin = Instant::now();
        let mut queue = Queue::default();
        for (number, millis) in [(1, 0), (2, 10), (3, 30)] {
            let arrived = begin + Duration::from_millis(millis);
            let writer = Arc::clone(&writer);
            queue.waiting.push_back(Waiting { arrived, writer, bytes: vec![number] });
        }

        let mut due = Vec::new();
        let almost = begin + Duration::from_millis(60) - A_TICK;
        let next = take_due(&mut queue, delay, almost, &mut due);
        assert_eq!(due.iter().map(|it| it.bytes[0]).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(next, Some(begin + Duration::from_millis(80)));
        assert_eq!(queue.sum / queue.count, Duration::from_millis(55) - A_TICK);
        assert_eq!(take_due(&mut queue, delay, begin + Duration::from_secs(1), &mut due), None);
    }
}
