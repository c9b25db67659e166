//! A Swift toolchain: the one of this machine, or Debian's in a root of its own.
//!
//! Swift comes for few systems, and Debian has it from version 13 on. On an older Debian a folder
//! with a whole Debian 13 takes its place: debootstrap makes it once, some 2.6 GB in the user's
//! cache and not under `target/`, and `swift` runs in it by chroot. What it needs of this machine
//! stands there under its own path, so what the compiler says names files as they are called here.
//!
//! Invariant: whatever is mounted is mounted in a namespace of the one program, and gone with it.

mod apt;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{console, process, root, target_folder};

/// The Debian that holds Swift, and the version that it holds. Later ones do not link tests.
const SUITE: &str = "trixie";

/// What is installed beside Debian's smallest set.
const PACKAGES: [&str; 4] = ["swiftlang", "libc6-dev", "libstdc++-14-dev", "binutils"];

/// The environment variable that says where the root is, or shall be.
const CHOSEN_ROOT: &str = "KESSPAY_SWIFT_ROOT";

/// Mounts what is needed and changes into the root.
const IN_ROOT: &str = "xtask/src/swift/in-root.sh";

/// Where Swift runs.
pub(crate) enum Toolchain {
    /// On this machine.
    Here,
    /// In a root of its own.
    In(PathBuf),
}

impl Toolchain {
    /// The toolchain, made if need be.
    pub(crate) fn find() -> Result<Self, String> {
        if process::find("swift").is_some() {
            return Ok(Self::Here);
        }
        can_make_root()?;
        let folder = root_folder()?;
        if !has_swift(&folder) {
            make_root(&folder)?;
        }
        Ok(Self::In(folder))
    }

    /// A program of the toolchain, which starts in `folder` and has these variables beside its own.
    pub(crate) fn command(
        &self,
        program: &str,
        folder: &Path,
        variables: &[(&str, OsString)],
    ) -> Command {
        let variables = variables.iter().map(|(name, value)| (*name, value.as_os_str()));
        match self {
            Self::Here => {
                let mut command = Command::new(program);
                command.current_dir(folder).envs(variables);
                command
            }
            Self::In(elsewhere) => {
                let mut command = in_root(elsewhere, &[root(), target_folder()], folder);
                for (name, value) in variables {
                    let mut pair = OsString::from(format!("{name}="));
                    pair.push(value);
                    command.arg(pair);
                }
                command.arg(program);
                command
            }
        }
    }
}

/// What is missing on this machine for a toolchain, if anything is.
pub(crate) fn missing() -> Option<String> {
    if process::find("swift").is_some() {
        return None;
    }
    let reason = can_make_root().err()?;
    Some(format!(
        "swift is not on PATH, needed for the Swift package (Debian 13: apt-get install \
         swiftlang), and it cannot be had in a folder of its own: {reason}"
    ))
}

/// Whether this machine can run, and if need be make, a Debian in a folder.
fn can_make_root() -> Result<(), String> {
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !system.lines().any(|line| line == "ID=debian") {
        return Err("this is no Debian".to_owned());
    }
    let own = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if !own.lines().any(|line| line.starts_with("Uid:\t0\t")) {
        return Err("that takes root's rights".to_owned());
    }
    for (program, package) in [("unshare", "util-linux"), ("debootstrap", "debootstrap")] {
        if process::find(program).is_none() {
            return Err(format!("{program} is not on PATH (apt-get install {package})"));
        }
    }
    Ok(())
}

/// Where the root is, or shall be.
fn root_folder() -> Result<PathBuf, String> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let name = format!("swift-{SUITE}");
    set(CHOSEN_ROOT)
        .or_else(|| Some(cache()?.join("kesspay").join(name)))
        .ok_or_else(|| format!("neither {CHOSEN_ROOT} nor HOME is set: where shall Swift be kept?"))
}

fn has_swift(folder: &Path) -> bool {
    // A link whose target is named as seen from within.
    fs::symlink_metadata(folder.join("usr/bin/swift")).is_ok()
}

/// Makes the root. It gets its name only when it is complete.
fn make_root(folder: &Path) -> Result<(), String> {
    console::warn(&format!(
        "installing Swift in {}: a Debian {SUITE}, 2.6 GB, a few minutes",
        folder.display()
    ));
    let failed = |error| format!("cannot make {}: {error}", folder.display());
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(format!("{} holds something else than Swift", folder.display()));
    }
    let mut unfinished = folder.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(failed)?;
    }
    fs::create_dir_all(&unfinished).map_err(failed)?;

    process::run(
        Command::new("debootstrap")
            .args(["--variant=minbase", SUITE])
            .arg(&unfinished)
            .arg(apt::mirror()?),
    )?;
    like_here(&unfinished).map_err(failed)?;
    let apt = |arguments: &[&str]| {
        let mut command = in_root(&unfinished, &[], Path::new("/"));
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes"]);
        process::run(command.args(arguments))
    };
    apt(&["update"])?;
    apt(&[&["install", "--no-install-recommends"], &PACKAGES[..]].concat())?;
    apt(&["clean"])?;
    fs::rename(&unfinished, folder).map_err(failed)
}

/// How this machine reaches its mirror: names of hosts, and what apt is told about transport.
fn like_here(folder: &Path) -> std::io::Result<()> {
    for file in ["etc/resolv.conf", "etc/hosts"] {
        if let Ok(text) = fs::read(Path::new("/").join(file)) {
            fs::write(folder.join(file), text)?;
        }
    }
    let settings = process::output(Command::new("apt-config").args(["dump", "Acquire"]));
    match settings {
        Ok(settings) => fs::write(folder.join("etc/apt/apt.conf.d/90like-the-host"), settings),
        Err(message) => Err(std::io::Error::other(message)),
    }
}

/// A command that takes variables, a program and its arguments, and runs it in the root, where the
/// `shared` folders stand, too.
fn in_root(elsewhere: &Path, shared: &[PathBuf], folder: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh"]).arg(root().join(IN_ROOT));
    command.arg(elsewhere).args(shared).arg("--");
    // Nothing of this machine's environment: it names what is not there.
    command.args(["env", "--ignore-environment", "--chdir"]).arg(folder);
    command.args(["HOME=/tmp", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]);
    command
}
