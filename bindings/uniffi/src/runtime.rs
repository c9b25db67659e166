//! The threads on which everything runs: two, whatever the phone has, made when first needed.
//!
//! Kotlin and Swift poll a future on threads of theirs. What they poll here is only the waiting;
//! the work is a task of our runtime, with its timers and sockets.
//!
//! Invariant: the work ends with the waiting. Whoever drops the future (UniFFI does, when a
//! coroutine is cancelled) aborts the task at its next `await`.

use std::future::Future;
use std::sync::LazyLock;

use futures_util::future::BoxFuture;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let built =
        Builder::new_multi_thread().worker_threads(2).thread_name("kesspay").enable_all().build();
    built.expect("an app may have two threads more")
});

/// Does the work on our threads.
///
/// Every task is of one type, whatever it does: tokio's machinery for it is in the library once,
/// and not once for each operation.
pub(crate) async fn run<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (answer, answered) = oneshot::channel();
    let work: BoxFuture<'static, ()> = Box::pin(async move {
        // Nobody waits any more: the task is about to be aborted.
        let _ = answer.send(work.await);
    });
    let mut task = AbortOnDrop(RUNTIME.spawn(work));
    if let Ok(answer) = answered.await {
        return answer;
    }
    // Only a panic ends a task that nobody aborts; UniFFI reports it where the call was made.
    match (&mut task.0).await {
        Err(ended) => std::panic::resume_unwind(ended.into_panic()),
        Ok(()) => unreachable!("a task that ends has answered"),
    }
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
