//! Why a sandbox could not start.

use std::path::PathBuf;

/// A sandbox that could not start, or a plan of faults that makes no sense.
///
/// Its text is one line that says what to do next. What went wrong beneath it is its `source`.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SandboxError(#[from] Problem);

#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("cannot listen on 127.0.0.1:{port}; is another sandbox running? Choose another port")]
    Listen { port: u16, source: std::io::Error },
    #[error("cannot start the threads of the sandbox")]
    Runtime { source: std::io::Error },
    #[error("cannot make or read the sandbox's key pair")]
    KeyPair { source: rsa::Error },
    #[error("cannot use the state file {}; check its folder and its permissions", path.display())]
    StateFile { path: PathBuf, source: std::io::Error },
    #[error("the state file {} is in use by another sandbox; stop that one first", path.display())]
    StateFileInUse { path: PathBuf },
    #[error(
        "line {line} of the state file {} is not the sandbox's; move the file away to start anew",
        path.display()
    )]
    StateFileLine { path: PathBuf, line: usize, source: serde_json::Error },
    #[error("{0}")]
    FaultText(String),
}
