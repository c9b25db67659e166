//! Python environments: virtual ones under `target/`, made on the spot.
//!
//! Nothing is installed outside `target/`. The packages of an environment and their versions stand
//! in a file of requirements; the environment is made anew when that file changes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{console, process, root, target_folder};

/// A virtual environment.
pub(crate) struct Environment {
    /// Its folder under `target/`.
    folder: &'static str,
    /// What is installed in it, from the root of the repository.
    requirements: &'static str,
}

/// Validators of the OpenAPI document, and what attacks the sandbox.
pub(crate) const CHECKS: Environment =
    Environment { folder: "python-checks", requirements: "spec/checks/requirements.txt" };

/// What builds, tests and type-checks the Python package.
pub(crate) const BINDING: Environment = Environment {
    folder: "python-binding",
    requirements: "bindings/python/tests/requirements.txt",
};

/// What the Python package is measured with and against; the wheel is put into it each time.
pub(crate) const BENCH: Environment =
    Environment { folder: "python-bench", requirements: "benches/python/requirements.txt" };

/// What the engine is measured against.
pub(crate) const PEERS: Environment =
    Environment { folder: "python-peers", requirements: "benches/peers/requirements.txt" };

impl Environment {
    /// Its interpreter, with every requirement installed.
    pub(crate) fn interpreter(&self) -> Result<PathBuf, String> {
        let folder = target_folder().join(self.folder);
        let installed = folder.join("requirements.installed.txt");
        let python = folder.join("bin").join("python");

        let wanted = fs::read_to_string(root().join(self.requirements))
            .map_err(|error| format!("cannot read {}: {error}", self.requirements))?;
        if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) && python.is_file() {
            return Ok(python);
        }
        console::warn(&format!("making a Python environment in target/{}", self.folder));
        empty(&folder)?;
        install(&python, &["--requirement".as_ref(), root().join(self.requirements).as_ref()])?;
        fs::write(&installed, wanted)
            .map_err(|error| format!("cannot write {}: {error}", installed.display()))?;
        Ok(python)
    }
}

/// An environment with nothing in it.
pub(crate) fn empty(folder: &Path) -> Result<PathBuf, String> {
    process::run(process::at_root("python3").args(["-m", "venv", "--clear"]).arg(folder))
        .map_err(|error| format!("{error} (Debian, Ubuntu: apt-get install python3-venv)"))?;
    Ok(folder.join("bin").join("python"))
}

/// Installs packages.
pub(crate) fn install(python: &Path, what: &[&Path]) -> Result<(), String> {
    process::run(
        process::at_root(python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(what),
    )
}
