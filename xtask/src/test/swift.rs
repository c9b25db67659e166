//! The tests of the Swift package: it is put together as for others, and `swift test` uses it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::TESTED_BY_RUST;
use crate::swift::Toolchain;
use crate::{process, root, target_folder, uniffi};

/// The package's folder.
const PACKAGE: &str = "bindings/uniffi/swift";

/// Where each file of UniFFI's goes in the package.
const GENERATED: [(&str, &str); 2] = [
    ("KessPayBindings.swift", "Sources/KessPayBindings/Generated.swift"),
    ("CKessPay.h", "Sources/CKessPay/CKessPay.h"),
];

/// What `cargo xtask codegen` lays out as it likes.
const EMITTED: [&str; 2] = ["GatewayOperations.swift", "GeneratedOperations.swift"];

/// Everything about the package, on one library.
pub(super) fn package() -> Result<(), String> {
    let library = uniffi::build_for_tests(&TESTED_BY_RUST)?;
    let toolchain = Toolchain::find()?;
    let package = Package::assemble(&library)?;
    process::run(&mut package.lint(&toolchain))?;
    process::run(&mut package.test(&toolchain, library.parent().unwrap_or(&library)))
}

/// The package with what belongs to the library, as it is handed to others.
struct Package {
    folder: PathBuf,
    /// The files that stand in the repository, by their paths in the package.
    sources: Vec<String>,
}

impl Package {
    fn assemble(library: &Path) -> Result<Package, String> {
        let made = target_folder().join("swift");
        let package = Package { folder: made.join("KessPay"), sources: sources()? };
        let mut files: Vec<PathBuf> = Vec::new();
        for name in &package.sources {
            files.push(package.put(&contents(&root().join(PACKAGE).join(name))?, name)?);
        }
        let generated = made.join("generated");
        uniffi::write(library, "swift", None, &generated)?;
        for (name, place) in GENERATED {
            files.push(package.put(&contents(&generated.join(name))?, place)?);
        }
        files.push(package.put(readme_snippet()?.as_bytes(), "Tests/KessPayTests/Readme.swift")?);
        forget_others(&package.folder, &files)?;
        Ok(package)
    }

    /// Writes a file, unless it is there already: then nothing has to be compiled again.
    fn put(&self, text: &[u8], name: &str) -> Result<PathBuf, String> {
        let place = self.folder.join(name);
        if fs::read(&place).is_ok_and(|found| found == text) {
            return Ok(place);
        }
        fs::create_dir_all(place.parent().unwrap_or(&place))
            .and_then(|()| fs::write(&place, text))
            .map_err(|error| format!("cannot write {}: {error}", place.display()))?;
        Ok(place)
    }

    /// Complains about style, in sources that people write.
    fn lint(&self, toolchain: &Toolchain) -> Command {
        let by_hand = self.sources.iter().filter(|name| {
            name.ends_with(".swift") && !EMITTED.iter().any(|file| name.ends_with(file))
        });
        let mut lint = toolchain.command("swift", &self.folder, &[]);
        lint.args(["format", "lint", "--strict", "--parallel"]).args(by_hand);
        lint
    }

    fn test(&self, toolchain: &Toolchain, libraries: &Path) -> Command {
        let variables = [
            ("KESSPAY_WARNINGS_ARE_ERRORS", OsString::from("1")),
            ("KESSPAY_PROGRAMS", libraries.into()),
            ("KESSPAY_ROOT", root().into()),
        ];
        let mut test = toolchain.command("swift", &self.folder, &variables);
        test.args(["test", "--disable-xctest", "--scratch-path"]);
        test.arg(target_folder().join("swift").join("build"));
        // Found when it is linked, and again when it is run.
        for flag in [OsStr::new("-L"), "-rpath".as_ref()] {
            test.arg("-Xlinker").arg(flag).arg("-Xlinker").arg(libraries);
        }
        test
    }
}

/// What git has, or would have, of the package.
fn sources() -> Result<Vec<String>, String> {
    let listing = process::output(
        process::at_root("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "."])
            .current_dir(root().join(PACKAGE)),
    )?;
    let names = listing.split_terminator('\0').map(str::to_owned);
    // What was removed is in git's index until it is committed.
    Ok(names.filter(|name| root().join(PACKAGE).join(name).is_file()).collect())
}

fn contents(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// The README's block of Swift, as a function: that it compiles, is what is tested.
fn readme_snippet() -> Result<String, String> {
    let readme = fs::read_to_string(root().join("README.md"))
        .map_err(|error| format!("cannot read README.md: {error}"))?;
    let block = readme.split("```swift\n").nth(1).and_then(|rest| rest.split("```").next());
    let block = block.ok_or_else(|| "README.md has no block of Swift".to_owned())?;
    Ok(format!(
        "import KessPay\n\n\
         func readme(settings: Settings, open: (String) -> Void) async throws {{\n{block}}}\n"
    ))
}

/// Removes the copies of files that are no more.
fn forget_others(folder: &Path, kept: &[PathBuf]) -> Result<(), String> {
    let failed = |error| format!("cannot tidy up {}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            forget_others(&path, kept)?;
        } else if !kept.contains(&path) {
            fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}
