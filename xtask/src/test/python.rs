//! The tests of the Python package: a wheel is built, installed in an environment of its own, and
//! used as anybody would.

use std::fs;
use std::path::Path;

use crate::package::{self, Build};
use crate::{process, python, root, target_folder};

/// Everything about the package, on one wheel. Types, stubs and examples are tests like any other.
pub(super) fn binding() -> Result<(), String> {
    let interpreter = python::BINDING.interpreter()?;
    let wheel = package::wheel(Build::Test)?;
    let fresh: &[&Path] = &["--force-reinstall".as_ref(), "--no-deps".as_ref(), &wheel];
    python::install(&interpreter, fresh)?;
    process::run(
        process::at_root(&interpreter)
            .args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider"])
            .current_dir(root().join("bindings/python")),
    )?;
    snippet_with_the_wheel_alone(&wheel)
}

/// What the README shows, in an environment with the wheel and nothing else.
fn snippet_with_the_wheel_alone(wheel: &Path) -> Result<(), String> {
    let folder = target_folder().join("python-wheel-alone");
    let python = python::empty(&folder)?;
    python::install(&python, &["--no-deps".as_ref(), wheel])?;
    let failed = |error| format!("cannot write into {}: {error}", folder.display());
    let snippet = folder.join("snippet.py");
    fs::write(&snippet, readme_snippet()?).map_err(failed)?;
    // The snippet is typed in the root of the repository, and must not leave a store there.
    fs::create_dir_all(folder.join("examples")).map_err(failed)?;
    let payroll = "examples/payroll.csv";
    fs::copy(root().join(payroll), folder.join(payroll)).map_err(failed)?;
    process::run(process::at_root(&python).arg(&snippet).current_dir(&folder))
}

/// The README's first block of Python.
fn readme_snippet() -> Result<String, String> {
    let readme = fs::read_to_string(root().join("README.md"))
        .map_err(|error| format!("cannot read README.md: {error}"))?;
    let block = readme.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
    block.map(str::to_owned).ok_or_else(|| "README.md has no block of Python".to_owned())
}
