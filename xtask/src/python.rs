//! The Python environment of the checks: a virtual environment under `target/`, made on the spot.
//!
//! Nothing is installed outside `target/`. The packages and their versions stand in
//! `spec/checks/requirements.txt`; the environment is made anew when that file changes.

use std::fs;
use std::path::PathBuf;

use crate::{console, process, root, target_folder};

/// The environment's interpreter, with every requirement installed.
pub(crate) fn interpreter() -> Result<PathBuf, String> {
    let folder = target_folder().join("python-checks");
    let wanted = root().join("spec/checks/requirements.txt");
    let installed = folder.join("requirements.installed.txt");
    let python = folder.join("bin").join("python");

    let wanted_text = fs::read_to_string(&wanted)
        .map_err(|error| format!("cannot read spec/checks/requirements.txt: {error}"))?;
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted_text) && python.is_file() {
        return Ok(python);
    }

    console::warn("making a Python environment in target/python-checks");
    process::run(process::at_root("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        .map_err(|error| format!("{error} (Debian, Ubuntu: apt-get install python3-venv)"))?;
    process::run(
        process::at_root(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .arg("--requirement")
            .arg(&wanted),
    )?;
    fs::write(&installed, wanted_text)
        .map_err(|error| format!("cannot write {}: {error}", installed.display()))?;
    Ok(python)
}
