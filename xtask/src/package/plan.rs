//! A plan: what a package needs, and what is done for it, in order. It is shown or carried out.
//!
//! Packages for phones are made with tools that few machines have. So that their making can be read
//! and tested everywhere, it is data first: `--dry-run` prints it, and a test holds it against a
//! copy that is checked in.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::{console, process};

/// What is needed, and what is done.
#[derive(Default)]
pub(super) struct Plan {
    needs: Vec<Need>,
    steps: Vec<Step>,
}

/// Something that has to be on the machine.
struct Need {
    what: String,
    get_it: String,
    is_there: bool,
}

/// Something that is done.
enum Step {
    Note(String),
    Run(Command),
    Copy { from: PathBuf, to: PathBuf },
    Write { path: PathBuf, text: String },
    Budget { library: PathBuf, bytes: u64 },
}

/// A program, what it is told, and the environment that it is told it in.
pub(super) struct Command {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Command {
    pub(super) fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), arguments: Vec::new(), environment: Vec::new() }
    }

    /// Arguments, in the order of the words.
    pub(super) fn words(mut self, words: &str) -> Self {
        self.arguments.extend(words.split_whitespace().map(str::to_owned));
        self
    }

    /// An argument that is a path.
    pub(super) fn path(mut self, path: &Path) -> Self {
        self.arguments.push(path.display().to_string());
        self
    }

    pub(super) fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }
}

impl Plan {
    /// Something that has to be on the machine: what it is, how to get it, and whether it is there.
    pub(super) fn need(
        &mut self,
        what: impl Into<String>,
        get_it: impl Into<String>,
        is_there: bool,
    ) {
        self.needs.push(Need { what: what.into(), get_it: get_it.into(), is_there });
    }

    /// A program on PATH.
    pub(super) fn need_program(&mut self, program: &str, get_it: &str) {
        self.need(format!("`{program}` on PATH"), get_it, process::find(program).is_some());
    }

    /// What comes next, for whoever reads along.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.steps.push(Step::Note(text.into()));
    }

    pub(super) fn run(&mut self, command: Command) {
        self.steps.push(Step::Run(command));
    }

    pub(super) fn copy(&mut self, from: impl Into<PathBuf>, to: impl Into<PathBuf>) {
        self.steps.push(Step::Copy { from: from.into(), to: to.into() });
    }

    pub(super) fn write(&mut self, path: impl Into<PathBuf>, text: impl Into<String>) {
        self.steps.push(Step::Write { path: path.into(), text: text.into() });
    }

    /// The library must not be larger.
    pub(super) fn budget(&mut self, library: impl Into<PathBuf>, bytes: u64) {
        self.steps.push(Step::Budget { library: library.into(), bytes });
    }

    /// Does it, unless something is missing: then nothing is done, and all that is missing is told.
    pub(super) fn carry_out(&self) -> Result<(), String> {
        let missing = self.needs.iter().filter(|need| !need.is_there);
        let missing: Vec<_> =
            missing.map(|need| format!("  {}: {}", need.what, need.get_it)).collect();
        if !missing.is_empty() {
            return Err(format!("this machine lacks\n{}", missing.join("\n")));
        }
        self.steps.iter().try_for_each(Step::carry_out)
    }
}

impl Step {
    fn carry_out(&self) -> Result<(), String> {
        match self {
            Self::Note(text) => {
                console::say(text);
                Ok(())
            }
            Self::Run(Command { program, arguments, environment }) => {
                let environment = environment.iter().map(|(name, value)| (name, value));
                process::run(process::at_root(program).args(arguments).envs(environment))
            }
            Self::Copy { from, to } => {
                folder_of(to)?;
                let copied = std::fs::copy(from, to).map(drop);
                copied.map_err(|error| format!("cannot copy {}: {error}", from.display()))
            }
            Self::Write { path, text } => {
                folder_of(path)?;
                let written = std::fs::write(path, text);
                written.map_err(|error| format!("cannot write {}: {error}", path.display()))
            }
            Self::Budget { library, bytes } => within(library, *bytes),
        }
    }
}

/// Holds the size of a library against its budget.
fn within(library: &Path, budget: u64) -> Result<(), String> {
    let size = std::fs::metadata(library).map(|file| file.len());
    let size = size.map_err(|error| format!("cannot look at {}: {error}", library.display()))?;
    let name = library.file_name().unwrap_or_default().to_string_lossy();
    let text = format!("{name} has {size} bytes, {} % of its budget", size * 100 / budget);
    if size > budget {
        return Err(format!("{text}; what an app ships is downloaded over phone networks"));
    }
    console::say(&text);
    Ok(())
}

fn folder_of(path: &Path) -> Result<(), String> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make {}: {error}", folder.display()))
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for need in &self.needs {
            writeln!(f, "needs {} ({})", need.what, need.get_it)?;
        }
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(text) => write!(f, "\n# {text}"),
            Self::Run(Command { program, arguments, environment }) => {
                for (name, value) in environment {
                    let quote = if value.contains(' ') { "'" } else { "" };
                    write!(f, "{name}={quote}{value}{quote} ")?;
                }
                write!(f, "{} {}", program.display(), arguments.join(" "))
            }
            Self::Copy { from, to } => write!(f, "copy {} {}", from.display(), to.display()),
            Self::Write { path, text } => {
                write!(f, "write {} ({} lines)", path.display(), text.lines().count())
            }
            Self::Budget { library, bytes } => {
                write!(f, "at most {bytes} bytes: {}", library.display())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_done_where_something_is_missing_and_all_of_it_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("made");
        let mut plan = Plan::default();
        plan.need("a spoon", "buy one", false);
        plan.need("a fork", "buy one, too", false);
        plan.need("a knife", "you have one", true);
        plan.write(&file, "text");
        let error = plan.carry_out().expect_err("a fork is missing");
        assert!(error.contains("a spoon") && error.contains("a fork"), "{error}");
        assert!(!error.contains("a knife") && !file.exists(), "{error}");
    }

    #[test]
    fn a_library_beyond_its_budget_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let library = folder.path().join("libkesspay.so");
        let mut plan = Plan::default();
        plan.write(&library, "0123456789");
        plan.budget(&library, 10);
        assert_eq!(plan.carry_out(), Ok(()));
        plan.budget(&library, 9);
        let error = plan.carry_out().expect_err("ten are more than nine");
        assert!(error.contains("has 10 bytes, 111 % of its budget"), "{error}");
    }
}
