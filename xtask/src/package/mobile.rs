//! What packages for phones have in common: how the library is built, and how large it may be.

use std::path::{Path, PathBuf};

use super::plan::{Command, Plan};
use crate::{process, root, target_folder};

/// What a stripped library of one architecture may have, in bytes.
pub(super) const BUDGET: u64 = 6_000_000;

/// The crate, and the profile in `Cargo.toml` that is made for phones.
const CRATE: &str = "kesspay-uniffi";
const PROFILE: &str = "mobile";

/// What `lld` is told: functions that are the same are one, and there are no tables for unwinding,
/// which nobody reads in a library that aborts where it panics.
const LINKER_FLAGS: &str = "-Clink-arg=-Wl,--icf=all -Clink-arg=-Wl,--no-eh-frame-hdr \
                            -Clink-arg=-Wl,-T,bindings/uniffi/no-unwind-tables.ld";

/// What SQLite has and the store does not ask for: full-text search, R-trees, statistics.
const SQLITE_FLAGS: &str = "-USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS3_PARENTHESIS \
                            -USQLITE_ENABLE_FTS5 -USQLITE_ENABLE_RTREE \
                            -USQLITE_ENABLE_DBSTAT_VTAB";

/// Where things are on the machine that packs. A test has another one.
pub(super) struct Places {
    pub(super) root: PathBuf,
    pub(super) target: PathBuf,
}

impl Places {
    pub(super) fn here() -> Self {
        Self { root: root(), target: target_folder() }
    }

    /// The binding's own folder.
    pub(super) fn binding(&self) -> PathBuf {
        self.root.join("bindings/uniffi")
    }

    /// Where what is handed to others is put together.
    pub(super) fn packages(&self) -> PathBuf {
        self.target.join("packages")
    }

    /// Where cargo puts what [`compile`] makes for a target.
    pub(super) fn built(&self, target: &str) -> PathBuf {
        self.target.join(target).join(PROFILE)
    }
}

/// `cargo xtask package size`: the library as phones get it, for this machine, within its budget.
pub(super) fn size() -> Result<(), String> {
    let places = Places::here();
    let host = process::output(std::process::Command::new("rustc").args(["--print", "host-tuple"]));
    let host = host?.trim().to_owned();
    let mut plan = Plan::default();
    plan.need_program("strip", "it comes with binutils");
    plan.note("the library as phones get it, for this machine");
    plan.run(compile("build", &host, ""));
    let name = format!("{}kesspay{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let stripped = places.packages().join("size").join(&name);
    plan.copy(places.built(&host).join(&name), &stripped);
    plan.run(strip(Path::new("strip"), &stripped));
    plan.budget(stripped, BUDGET);
    plan.carry_out()
}

/// The library for one target, with all that makes it small. `linking` are flags for Rust, too.
pub(super) fn compile(command: &str, target: &str, linking: &str) -> Command {
    let build = cargo(command)
        .words(&format!("-p {CRATE} --locked --profile {PROFILE} --target {target}"))
        .env("LIBSQLITE3_FLAGS", SQLITE_FLAGS);
    // An app for one of Apple's systems is linked by Xcode.
    if target.contains("apple") {
        return build;
    }
    let flags = format!("{LINKER_FLAGS} -Clink-arg=-Wl,{} {linking}", packed_relocations(target));
    let target = target.replace('-', "_").to_uppercase();
    build.env(format!("CARGO_TARGET_{target}_RUSTFLAGS"), flags.trim())
}

/// Relocations are packed. The form that Linux reads came to Android with version 9; its own form
/// is older.
fn packed_relocations(target: &str) -> &'static str {
    if target.contains("android") { "--pack-dyn-relocs=android" } else { "-z,pack-relative-relocs" }
}

/// Cargo, with its command.
pub(super) fn cargo(command: &str) -> Command {
    Command::new(process::cargo().get_program()).words(command)
}

/// Takes everything out of a library that only tools need, the description of itself included.
pub(super) fn strip(program: &Path, library: &Path) -> Command {
    Command::new(program).words("--strip-unneeded").path(library)
}

/// Has the bindings written that belong to an unstripped library. `overlay` is laid over the
/// crate's `uniffi.toml`.
pub(super) fn bindings(
    library: &Path,
    language: &str,
    overlay: Option<&Path>,
    into: &Path,
) -> Command {
    let command = cargo("run")
        .words("-p kesspay-bindgen --locked -- generate --no-format")
        .words(&format!("--language {language} --out-dir"))
        .path(into);
    let command = match overlay {
        Some(overlay) => command.words("--config").path(overlay),
        None => command,
    };
    command.path(library)
}

/// The targets that Rust can build for here: those whose standard library is installed.
pub(super) fn rust_targets() -> Vec<String> {
    let Ok(sysroot) =
        process::output(std::process::Command::new("rustc").args(["--print", "sysroot"]))
    else {
        return Vec::new();
    };
    let installed = std::fs::read_dir(Path::new(sysroot.trim()).join("lib/rustlib"));
    let folders = installed.into_iter().flatten().flatten();
    let with_library = folders.filter(|folder| folder.path().join("lib").is_dir());
    with_library.map(|folder| folder.file_name().to_string_lossy().into_owned()).collect()
}

/// Compares a plan with the copy that is checked in, `src/package/plans/NAME`.
#[cfg(test)]
pub(super) fn hold_against(name: &str, plan: &Plan) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/package/plans").join(name);
    let read = std::fs::read_to_string(&file).unwrap_or_default();
    // The cargo that runs the tests is somewhere else on each machine.
    let cargo = process::cargo().get_program().to_string_lossy().into_owned();
    let planned = plan.to_string().replace(&format!("{cargo} "), "cargo ");
    if planned != read {
        let written = std::env::temp_dir().join(name);
        std::fs::write(&written, &planned).expect("a temporary file");
        panic!(
            "the plan differs from {}; read {}, and copy it there if it is right",
            file.display(),
            written.display()
        );
    }
}
