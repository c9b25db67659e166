//! Which machine this is, for telling its runners from those of others.

/// The machine's name, as the system gives it.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
