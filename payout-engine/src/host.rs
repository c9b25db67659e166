//! Which machine and process this is, for telling its runners from those of others.

/// The machine's name, as the system gives it.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// What others are told about who is at a batch; `doing` is a program and what it does, for example
/// `payout resume`.
pub(crate) fn runner_name(doing: &str) -> String {
    format!("{doing}, process {} on {}", std::process::id(), host_name())
}
