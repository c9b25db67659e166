//! The programs and libraries outside Rust that some tests need, and how to get each of them.
//!
//! A missing one is a message, so that a fresh machine with Rust alone can run everything else.
//! Under `--all` it is an error: a check that silently did not run proves nothing.

use std::path::{Path, PathBuf};

use crate::{process, queries, swift};

/// A program outside Rust, or a library of Java.
#[derive(Debug)]
pub(crate) struct Tool {
    /// The program's name on PATH; the file's, if it ends in `.jar`.
    pub(crate) program: &'static str,
    /// What is not tested without it.
    pub(crate) used_for: &'static str,
    /// The package that holds it on Debian and Ubuntu.
    pub(crate) package: &'static str,
}

/// Runs the documented signing routine as it stands.
pub(crate) const PHP: Tool = Tool {
    program: "php",
    used_for: "comparing our signatures with the documented routine, run in real PHP",
    package: "php-cli",
};

/// Opens what the client seals, with an implementation that is not ours.
pub(crate) const OPENSSL: Tool = Tool {
    program: "openssl",
    used_for: "opening our sealed blocks with another implementation",
    package: "openssl",
};

/// Validates the OpenAPI document, attacks the sandbox, and uses the Python package.
pub(crate) const PYTHON: Tool = Tool {
    program: "python3",
    used_for: "validating spec/openapi.json, attacking the sandbox, and the Python package",
    package: "python3 python3-venv",
};

/// Runs the servers that the store on PostgreSQL is tested with. Debian keeps it off PATH.
pub(crate) const POSTGRES: Tool = Tool {
    program: "initdb",
    used_for: "the store on PostgreSQL: shared batches, lost connections, old copies",
    package: "postgresql",
};

/// Compiles and runs Kotlin.
pub(crate) const JAVA: Tool =
    Tool { program: "java", used_for: "the Kotlin package", package: "openjdk-17-jre-headless" };

/// Installs the Kotlin compiler and ktlint, which Debian lacks or has too old, and what drives a
/// browser.
pub(crate) const NPM: Tool = Tool {
    program: "npm",
    used_for: "the Kotlin compiler, ktlint, and what drives the browser",
    package: "npm",
};

/// Runs the tests of the operator's page.
pub(crate) const NODE: Tool =
    Tool { program: "node", used_for: "the tests of the operator's page", package: "nodejs" };

/// Shows the operator's page.
pub(crate) const CHROMIUM: Tool =
    Tool { program: "chromium", used_for: "the operator's page", package: "chromium" };

/// What the operator's page is tested with.
pub(crate) const PAGE: &[Tool] = &[NODE, NPM, CHROMIUM];

/// Takes the Kotlin package's calls to the library.
pub(crate) const JNA: Tool =
    Tool { program: "jna.jar", used_for: "the Kotlin package", package: "libjna-java" };

/// Runs the Kotlin package's tests.
pub(crate) const JUNIT: Tool =
    Tool { program: "junit4.jar", used_for: "the Kotlin package's tests", package: "junit4" };

/// Under JUnit.
pub(crate) const HAMCREST: Tool =
    Tool { program: "hamcrest.jar", used_for: "JUnit", package: "libhamcrest-java" };

/// What the Kotlin package is compiled and tested with.
pub(crate) const KOTLIN: &[Tool] = &[JAVA, NPM, JNA, JUNIT, HAMCREST];

/// Counts instructions.
pub(crate) const VALGRIND: Tool = Tool {
    program: "valgrind",
    used_for: "counting the instructions of the pure parts",
    package: "valgrind",
};

/// What is missing of the foreign tools that some test uses, one message for each.
pub(crate) fn missing() -> impl Iterator<Item = String> {
    let tools = [PHP, OPENSSL, PYTHON, NODE, CHROMIUM].iter().chain(KOTLIN);
    let postgres = (!queries::is_possible()).then(|| POSTGRES.missing());
    tools.filter_map(|tool| tool.find().err()).chain(postgres).chain(swift::missing())
}

/// The environment variable that names a folder with jars, which is looked into before Debian's.
const JARS: &str = "KESSPAY_JARS";

/// Where Debian puts jars.
const DEBIAN_JARS: &str = "/usr/share/java";

/// The environment variable that turns "skipped, the tool is missing" into a failed test.
pub(crate) const REQUIRE_TOOLS: &str = "CI";

impl Tool {
    /// Whether it is there.
    pub(crate) fn is_present(&self) -> bool {
        self.find().is_ok()
    }

    /// Where it is; or what is missing, what that costs, and how to get it.
    pub(crate) fn find(&self) -> Result<PathBuf, String> {
        let found = if self.is_jar() { jar(self.program) } else { process::find(self.program) };
        found.ok_or_else(|| self.missing())
    }

    /// What is missing, what that costs, and how to get it.
    pub(crate) fn missing(&self) -> String {
        let place = if self.is_jar() {
            format!("neither in ${JARS} nor in {DEBIAN_JARS}")
        } else {
            "not on PATH".to_owned()
        };
        format!(
            "{} is {place}, needed for {} (Debian, Ubuntu: apt-get install {})",
            self.program, self.used_for, self.package
        )
    }

    fn is_jar(&self) -> bool {
        Path::new(self.program).extension().is_some_and(|ending| ending == "jar")
    }
}

fn jar(name: &str) -> Option<PathBuf> {
    let chosen = std::env::var_os(JARS).map(PathBuf::from);
    let folders = chosen.into_iter().chain([PathBuf::from(DEBIAN_JARS)]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_named_with_its_package() {
        let tool = Tool { program: "no-such-program", used_for: "nothing", package: "nowhere" };
        assert!(!tool.is_present());
        assert_eq!(
            tool.missing(),
            "no-such-program is not on PATH, needed for nothing \
             (Debian, Ubuntu: apt-get install nowhere)"
        );
        let jar = Tool { program: "no-such.jar", ..tool };
        assert!(!jar.is_present());
        assert!(jar.missing().starts_with("no-such.jar is neither in $KESSPAY_JARS nor in "));
    }
}
