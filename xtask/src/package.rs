//! `cargo xtask package`: what is handed to others, in `target/packages/`.

mod android;
mod ios;
mod mobile;
mod plan;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::tools::PYTHON;
use crate::{console, process, python, root, target_folder};

/// What `cargo xtask package` takes.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The Python package: a wheel for CPython 3.10 and newer, and a source distribution
    Python(PythonOptions),
    /// An AAR for Android; needs its NDK and SDK
    Android(PlanOptions),
    /// An XCFramework in a Swift package; needs a Mac with Xcode
    Ios(PlanOptions),
    /// The library as phones get it, for this machine, held against its budget
    Size,
}

#[derive(Args)]
struct PlanOptions {
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl PlanOptions {
    fn follow(&self, plan: &plan::Plan) -> Result<(), String> {
        if self.dry_run {
            console::say(&plan.to_string());
            return Ok(());
        }
        plan.carry_out()
    }
}

#[derive(Args)]
struct PythonOptions {
    /// A wheel for any Linux with glibc 2.17 or newer (manylinux2014), linked with zig
    #[arg(long)]
    manylinux: bool,
}

pub(crate) fn run(options: &Options) -> Result<(), String> {
    match &options.what {
        What::Python(options) => python_package(options),
        What::Android(options) => {
            options.follow(&android::plan(&mobile::Places::here(), &android::Tools::here()))
        }
        What::Ios(options) => {
            options.follow(&ios::plan(&mobile::Places::here(), &mobile::rust_targets()))
        }
        What::Size => mobile::size(),
    }
}

/// The wheel is built of the source distribution, so that both are known to be whole.
fn python_package(options: &PythonOptions) -> Result<(), String> {
    if !PYTHON.is_present() {
        return Err(PYTHON.missing());
    }
    let sources = source_distribution()?;
    console::say(&format!("source distribution: {}", sources.display()));
    let unpacked = unpack(&sources)?;
    let build = Build::Release { manylinux: options.manylinux };
    let wheel = wheel_of(&unpacked.join("bindings/python"), build)?;
    console::say(&format!("wheel: {}", wheel.display()));
    Ok(())
}

/// How a wheel is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// Quickly, for tests on this machine.
    Test,
    /// Optimised, for others.
    Release {
        /// For any Linux, and not for one like this machine's.
        manylinux: bool,
    },
}

/// Builds the wheel of this tree, and returns where it is.
pub(crate) fn wheel(build: Build) -> Result<PathBuf, String> {
    wheel_of(&root().join("bindings/python"), build)
}

fn wheel_of(sources: &Path, build: Build) -> Result<PathBuf, String> {
    let folder = match build {
        Build::Test => packages().join("test"),
        Build::Release { .. } => packages(),
    };
    let mut maturin = maturin("build", sources)?;
    match build {
        Build::Test => maturin.args(["--profile", "dev", "--compatibility", "linux"]),
        Build::Release { manylinux: false } => maturin.arg("--release"),
        Build::Release { manylinux: true } => {
            maturin.args(["--release", "--zig", "--compatibility", "manylinux2014"])
        }
    };
    process::run(maturin.arg("--out").arg(&folder))?;
    newest(&folder, "whl")
}

/// Packs the sources, and what they need of the workspace.
fn source_distribution() -> Result<PathBuf, String> {
    let mut maturin = maturin("sdist", &root().join("bindings/python"))?;
    process::run(maturin.arg("--out").arg(packages()))?;
    newest(&packages(), "tar.gz")
}

/// Unpacks a source distribution, and returns its folder.
fn unpack(sources: &Path) -> Result<PathBuf, String> {
    let into = packages().join("source");
    if into.is_dir() {
        std::fs::remove_dir_all(&into)
            .map_err(|error| format!("cannot remove {}: {error}", into.display()))?;
    }
    let unpack = "import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])";
    let python = python::BINDING.interpreter()?;
    process::run(process::at_root(python).args(["-c", unpack]).arg(sources).arg(&into))?;
    let name = sources.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    Ok(into.join(name.trim_end_matches(".tar.gz")))
}

fn maturin(command: &str, sources: &Path) -> Result<std::process::Command, String> {
    let python = python::BINDING.interpreter()?;
    let mut maturin = process::at_root(&python);
    // zig is a package of Python here, and asked of the first `python3` on PATH.
    let own = python.parent().map(Path::to_path_buf);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = own.into_iter().chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders).map_err(|error| format!("PATH: {error}"))?;
    maturin.env("PATH", path);
    maturin.args(["-m", "maturin", command, "--manifest-path"]);
    maturin.arg(sources.join("Cargo.toml"));
    // What was compiled for this tree serves for its sources elsewhere, too.
    maturin.env("CARGO_TARGET_DIR", target_folder());
    Ok(maturin)
}

fn packages() -> PathBuf {
    target_folder().join("packages")
}

/// The file with this ending that was written last.
fn newest(folder: &Path, ending: &str) -> Result<PathBuf, String> {
    let unreadable = |error| format!("cannot list {}: {error}", folder.display());
    let files = std::fs::read_dir(folder).map_err(unreadable)?;
    let files = files.filter_map(|entry| {
        let path = entry.ok()?.path();
        let is_one = path.file_name()?.to_str()?.ends_with(&format!(".{ending}"));
        is_one.then(|| Some((path.metadata().ok()?.modified().ok()?, path)))?
    });
    let newest = files.max().map(|(_, path)| path);
    newest.ok_or_else(|| format!("there is no .{ending} in {}", folder.display()))
}
