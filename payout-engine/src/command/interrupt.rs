//! Ctrl-C and SIGTERM: the first drains the run, a second leaves at once.
//!
//! A run that is asked to end waits for the calls under way, but not for longer than
//! `policy.drain`, so that whoever asked (systemd, a container's host) need not kill it. Whatever
//! else might hold the process up, a disk for example, it is gone after [`LONGEST`].
//!
//! Leaving at once is safe, only less tidy: what was sent is in the store, and `resume` asks the
//! gateway about it.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

use crate::Cancel;
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::tell;

/// The process ends within this time after the first signal, whatever happens: the units and the
/// container in `deploy/` are killed after fifteen seconds.
const LONGEST: Duration = Duration::from_millis(9_500);

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
    tokio::select! {
        () = either(&mut interrupt, &mut terminate) => {}
        () = sleep(LONGEST) => {}
    }
    std::process::exit(Exit::Interrupted as i32);
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
