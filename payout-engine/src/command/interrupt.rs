//! Ctrl-C and SIGTERM: the first drains the run, a second leaves at once.
//!
//! Leaving at once is safe, only less tidy: what was sent is in the store, and `resume` asks the
//! gateway about it.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Cancel;
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::tell;

/// Raises the returned flag at the first signal and ends the process at the second.
pub(crate) fn watch() -> Result<Cancel, Failure> {
    let cancel = Cancel::new();
    let interrupt = listen(SignalKind::interrupt())?;
    let terminate = listen(SignalKind::terminate())?;
    tokio::spawn(drain_then_leave(interrupt, terminate, cancel.clone()));
    Ok(cancel)
}

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| {
        Failure::new(Exit::Other, format!("signals cannot be listened to: {error}"))
    })
}

async fn drain_then_leave(mut interrupt: Signal, mut terminate: Signal, cancel: Cancel) {
    either(&mut interrupt, &mut terminate).await;
    cancel.cancel();
    tell("\nStopping: calls under way finish, nothing new is sent. Once more to leave at once.");
    either(&mut interrupt, &mut terminate).await;
    std::process::exit(Exit::Interrupted as i32);
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
