//! The programs outside Rust that some tests need, and how to get each of them.
//!
//! A missing one is a message, so that a fresh machine with Rust alone can run everything else.
//! Under `--all` it is an error: a check that silently did not run proves nothing.

use crate::process;

/// A program outside Rust.
#[derive(Debug)]
pub(crate) struct Tool {
    /// The program's name on PATH.
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

/// Every foreign tool that some test uses.
pub(crate) const ALL: &[Tool] = &[PHP, OPENSSL, PYTHON];

/// The environment variable that turns "skipped, the tool is missing" into a failed test.
pub(crate) const REQUIRE_TOOLS: &str = "CI";

impl Tool {
    /// Whether the program is on PATH.
    pub(crate) fn is_present(&self) -> bool {
        process::find(self.program).is_some()
    }

    /// What is missing, what that costs, and how to get it.
    pub(crate) fn missing(&self) -> String {
        format!(
            "{} is not on PATH, needed for {} (Debian, Ubuntu: apt-get install {})",
            self.program, self.used_for, self.package
        )
    }
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
    }
}
