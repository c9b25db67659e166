//! The tests of the Kotlin package: it is compiled as for others, and used on a JVM.
//!
//! What Android gets is compiled, too, against a few classes that stand in for Android's.

use std::fs;
use std::path::{Path, PathBuf};

use super::TESTED_BY_RUST;
use crate::kotlin::{self, Compiler, Rules};
use crate::{process, root, target_folder, uniffi};

/// The package's folder.
const PACKAGE: &str = "bindings/uniffi/kotlin";

/// The sources that UniFFI's output needs, and is therefore compiled with.
const BENEATH: [&str; 3] = ["Sensitive.kt", "Json.kt", "LibraryVersion.kt"];

/// Everything about the package, on one library.
pub(super) fn package() -> Result<(), String> {
    let library = uniffi::build_for_tests(&TESTED_BY_RUST)?;
    kotlin::lint(&root().join(PACKAGE), &["**/*.kt", "**/*.kts"])?;
    let compiler = Compiler::find()?;
    android(&compiler, &library)?;
    let classes = desktop(&compiler, &library)?;
    place(&library, &classes.bindings)?;
    run(&compiler, &classes)
}

/// The classes of each part.
struct Classes {
    bindings: PathBuf,
    face: PathBuf,
    tests: PathBuf,
}

/// The package, its samples and its tests.
fn desktop(compiler: &Compiler, library: &Path) -> Result<Classes, String> {
    let folder = target_folder().join("kotlin");
    let [bindings, face, tests] = ["bindings", "face", "tests"].map(|part| folder.join(part));
    let generated = folder.join("generated");
    uniffi::write(library, "kotlin", None, &generated)?;

    let mut below = vec![generated];
    below.extend(BENEATH.map(|file| main_sources().join(file)));
    compiler.compile(&below, &[], Rules::Lenient, &bindings)?;
    let beneath = [bindings.clone()];
    compiler.compile(&above()?, &beneath, Rules::StrictApi, &face)?;
    let package = [bindings.clone(), face.clone()];
    let mut using = vec![readme_snippet(&folder)?];
    using.extend(["src/test/kotlin", "samples"].map(|part| root().join(PACKAGE).join(part)));
    compiler.compile(&using, &package, Rules::Strict, &tests)?;
    Ok(Classes { bindings, face, tests })
}

/// What the README shows, as a program: its first block of Kotlin, with what stands around it in an
/// app.
fn readme_snippet(folder: &Path) -> Result<PathBuf, String> {
    let readme = fs::read_to_string(root().join("README.md"))
        .map_err(|error| format!("cannot read README.md: {error}"))?;
    let block = readme.split("```kotlin\n").nth(1).and_then(|rest| rest.split("```").next());
    let block = block.ok_or("README.md has no block of Kotlin")?;
    let program = format!(
        "package readme\n\nimport io.kesspay.*\n\n\
         private fun open(page: String) = println(page)\n\n\
         suspend fun main() {{\nval settings = Settings.fromEnvironment()\n{block}}}\n"
    );
    let file = folder.join("Readme.kt");
    fs::write(&file, program)
        .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    Ok(file)
}

/// What Android gets, compiled in one go, against stand-ins.
fn android(compiler: &Compiler, library: &Path) -> Result<(), String> {
    let folder = target_folder().join("kotlin").join("android");
    let generated = folder.join("generated");
    let overlay = Path::new("bindings/uniffi/uniffi-android.toml");
    uniffi::write(library, "kotlin", Some(overlay), &generated)?;
    let text = fs::read_to_string(generated.join("io/kesspay/kesspay.kt"))
        .map_err(|error| format!("cannot read what was generated for Android: {error}"))?;
    if !text.contains("android.system.SystemCleaner") {
        return Err("what was generated for Android knows nothing of its cleaner".to_owned());
    }
    let stubs = root().join(PACKAGE).join("android/stubs");
    let sources = [generated, stubs, main_sources()];
    compiler.compile(&sources, &[], Rules::Lenient, &folder.join("classes"))
}

fn main_sources() -> PathBuf {
    root().join(PACKAGE).join("src/main/kotlin/io/kesspay")
}

/// What users see: everything but what lies beneath UniFFI's output.
fn above() -> Result<Vec<PathBuf>, String> {
    let beneath = |path: &PathBuf| BENEATH.iter().any(|file| path.ends_with(file));
    Ok(files(&main_sources())?.into_iter().filter(|path| !beneath(path)).collect())
}

/// Puts the library where JNA looks for it on a class path, as the package has it.
fn place(library: &Path, classes: &Path) -> Result<(), String> {
    let folder = classes.join(jna_platform());
    let name = library.file_name().unwrap_or_default();
    fs::create_dir_all(&folder)
        .and_then(|()| fs::copy(library, folder.join(name)))
        .map(drop)
        .map_err(|error| format!("cannot write into {}: {error}", folder.display()))
}

/// JNA's name for this machine.
fn jna_platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    format!("{system}-{}", std::env::consts::ARCH.replace("x86_64", "x86-64"))
}

/// Runs the classes of every `*Test.kt`.
fn run(compiler: &Compiler, classes: &Classes) -> Result<(), String> {
    let own = [&classes.tests, &classes.face, &classes.bindings].map(PathBuf::clone);
    let mut java = kotlin::java(own.into_iter().chain(compiler.class_path()?))?;
    for (name, program) in [("payout", "payout"), ("signingServer", "examples/signing_server")] {
        let program = uniffi::built(&format!("{program}{}", std::env::consts::EXE_SUFFIX));
        java.arg(format!("-Dkesspay.{name}={}", program.display()));
    }
    java.arg(format!("-Dkesspay.root={}", root().display()));
    let tests = root().join(PACKAGE).join("src/test/kotlin/io/kesspay");
    let names = files(&tests)?.into_iter().filter_map(|path| {
        let name = path.file_stem()?.to_str()?.to_owned();
        name.ends_with("Test").then(|| format!("io.kesspay.{name}"))
    });
    process::run(java.arg("org.junit.runner.JUnitCore").args(names))
}

/// The files of a folder, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder)
        .map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    Ok(files)
}
