//! `cargo xtask planted`: plants one bug after the other and demands that the tests find it.
//!
//! A bug is a patch in `payout-engine/tests/planted/`. Above the patch stand `Wrong:`, what it does
//! to somebody's money, and `Tests:`, which have to fail: a package, `lib` or `it`, and words that
//! choose among its tests. Before the first bug the same tests have to pass without one.
//!
//! The bugs are planted in a copy of the repository under `target/`, as it stands with everything
//! that git knows of, and built into a folder of their own that is kept for the next time.
//!
//! Invariant: a bug that is not found, does not apply or does not build fails the chore.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{console, process, root, target_folder};

/// Where the bugs are kept.
const FOLDER: &str = "payout-engine/tests/planted";

/// A test that has not ended after this long has found something, too.
const PATIENCE: Duration = Duration::from_secs(120);

/// What `cargo xtask planted` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only the bugs whose name has one of these words in it
    names: Vec<String>,
}

/// A bug to plant.
#[derive(Debug, PartialEq, Eq)]
struct Bug {
    name: String,
    patch: PathBuf,
    tests: Tests,
}

/// Which tests have to find it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Tests {
    package: String,
    target: String,
    filters: Vec<String>,
}

/// How a planted bug ended.
#[derive(Debug)]
enum Verdict {
    Found(String),
    NotFound,
    Broken(String),
}

/// Plants the bugs.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let wanted = |bug: &Bug| {
        options.names.is_empty() || options.names.iter().any(|name| bug.name.contains(name))
    };
    let bugs: Vec<Bug> = bugs()?.into_iter().filter(wanted).collect();
    if bugs.is_empty() {
        return Err(format!("no bug of that name in {FOLDER}"));
    }
    let copy = Copy::make()?;
    console::step("the same tests without a bug");
    for tests in together(&bugs) {
        match copy.test(&tests)? {
            Verdict::NotFound => {}
            Verdict::Found(test) => return Err(format!("{test} fails without any bug")),
            Verdict::Broken(message) => return Err(message),
        }
    }
    let mut missed = 0_usize;
    console::step(&format!("{} bugs", bugs.len()));
    for bug in &bugs {
        let started = Instant::now();
        let verdict = copy.plant(bug)?;
        let (word, detail) = match &verdict {
            Verdict::Found(test) => ("found", format!("by {test}")),
            Verdict::NotFound => ("NOT FOUND", format!("by {}", bug.tests.filters.join(" "))),
            Verdict::Broken(message) => ("BROKEN", message.clone()),
        };
        missed += usize::from(!matches!(verdict, Verdict::Found(_)));
        let seconds = started.elapsed().as_secs();
        console::say(&format!("{:<34} {word:<9} {seconds:>4} s  {detail}", bug.name));
    }
    let all = bugs.len();
    if missed == 0 { Ok(()) } else { Err(format!("{missed} of {all} planted bugs were missed")) }
}

/// Every bug, by name.
fn bugs() -> Result<Vec<Bug>, String> {
    let folder = root().join(FOLDER);
    let files = fs::read_dir(&folder).map_err(|error| format!("{FOLDER}: {error}"))?;
    let mut patches: Vec<PathBuf> = files.filter_map(Result::ok).map(|file| file.path()).collect();
    patches.retain(|path| path.extension().is_some_and(|extension| extension == "patch"));
    patches.sort();
    patches.into_iter().map(bug).collect()
}

fn bug(patch: PathBuf) -> Result<Bug, String> {
    let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let text = fs::read_to_string(&patch).map_err(|error| format!("{name}: {error}"))?;
    let header = |key: &str| {
        let mut lines = text.lines().take_while(|line| !line.starts_with("diff "));
        lines.find_map(|line| line.strip_prefix(key)).map(str::trim)
    };
    header("Wrong:").ok_or_else(|| format!("{name}: `Wrong:` has to say what it does to money"))?;
    let tests = header("Tests:").unwrap_or_default();
    let mut words = tests.split_whitespace().map(str::to_owned);
    let (package, target) = (words.next(), words.next());
    let (Some(package), Some(target)) = (package, target) else {
        return Err(format!("{name}: `Tests:` has to name a package, `lib` or `it`, and tests"));
    };
    Ok(Bug { name, patch, tests: Tests { package, target, filters: words.collect() } })
}

/// The tests of all bugs, each binary once.
fn together(bugs: &[Bug]) -> Vec<Tests> {
    let mut filters: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for Tests { package, target, filters: words } in bugs.iter().map(|bug| &bug.tests) {
        filters.entry((package, target)).or_default().extend(words.iter().cloned());
    }
    let tests = |((package, target), filters): ((&str, &str), _)| Tests {
        package: package.to_owned(),
        target: target.to_owned(),
        filters,
    };
    filters.into_iter().map(tests).collect()
}

/// A copy of the repository to spoil.
struct Copy {
    tree: PathBuf,
    build: PathBuf,
}

impl Copy {
    fn make() -> Result<Self, String> {
        let here = target_folder().join("planted");
        let copy = Self { tree: here.join("tree"), build: here.join("build") };
        // What is changed and not committed counts as well; an empty answer means nothing is.
        let changed = process::output(process::at_root("git").args(["stash", "create"]))?;
        let commit = if changed.trim().is_empty() { "HEAD" } else { changed.trim() };
        let commit = process::output(process::at_root("git").args(["rev-parse", commit]))?;
        process::output(process::at_root("git").args(["worktree", "prune"]))?;
        if copy.tree.exists() {
            copy.git(&["checkout", "--quiet", "--force", "--detach", commit.trim()])?;
        } else {
            let mut add = process::at_root("git");
            add.args(["worktree", "add", "--quiet", "--force", "--detach"]);
            process::run(add.arg(&copy.tree).arg(commit.trim()))?;
        }
        Ok(copy)
    }

    fn git(&self, arguments: &[&str]) -> Result<String, String> {
        process::output(Command::new("git").current_dir(&self.tree).args(arguments))
    }

    fn plant(&self, bug: &Bug) -> Result<Verdict, String> {
        let patch = bug.patch.to_string_lossy();
        if let Err(message) = self.git(&["apply", &patch]) {
            return Ok(Verdict::Broken(format!("does not apply: {message}")));
        }
        let verdict = self.test(&bug.tests);
        self.git(&["apply", "--reverse", &patch])?;
        verdict
    }

    /// Builds and runs tests. "Found" is what a failed one is called here.
    fn test(&self, tests: &Tests) -> Result<Verdict, String> {
        let binary = match self.build(tests)? {
            Ok(binary) => binary,
            Err(message) => return Ok(Verdict::Broken(format!("does not build: {message}"))),
        };
        let log = self.build.join("tests.log");
        let file = fs::File::create(&log).map_err(|error| error.to_string())?;
        let mut child = Command::new(binary)
            .args(&tests.filters)
            .current_dir(self.tree.join(folder_of(&tests.package)))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .stdout(file)
            .spawn()
            .map_err(|error| format!("cannot start the tests: {error}"))?;
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                break status;
            }
            if started.elapsed() > PATIENCE {
                child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
                return Ok(Verdict::Found("a test that does not end any more".to_owned()));
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let said = fs::read_to_string(&log).map_err(|error| error.to_string())?;
        if said.contains("running 0 tests") {
            let filters = tests.filters.join(" ");
            return Ok(Verdict::Broken(format!("no test is called {filters}")));
        }
        if status.success() {
            return Ok(Verdict::NotFound);
        }
        Ok(Verdict::Found(failed_test(&said).unwrap_or("a test that broke off").to_owned()))
    }

    /// The test binary, or what stands against building it.
    fn build(&self, tests: &Tests) -> Result<Result<PathBuf, String>, String> {
        let mut cargo = process::cargo();
        cargo.current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.build);
        cargo.args(["test", "--no-run", "--package", &tests.package]);
        match tests.target.as_str() {
            "lib" => cargo.arg("--lib"),
            target => cargo.args(["--test", target]),
        };
        let output = cargo.output().map_err(|error| format!("cannot start cargo: {error}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let error = said.lines().find(|line| line.starts_with("error")).unwrap_or_default();
            return Ok(Err(error.to_owned()));
        }
        let told = said.lines().filter_map(|line| line.trim().strip_prefix("Executable"));
        let path = told.filter_map(|line| line.split_once('(')?.1.strip_suffix(')')).next_back();
        let path = path.ok_or("cargo does not tell which test binary it built")?;
        Ok(Ok(self.tree.join(path)))
    }
}

/// Where tests of a package expect to be started.
fn folder_of(package: &str) -> &Path {
    Path::new(match package {
        "kess-gateway" => "gateway-rs",
        "kess-sandbox" => "gateway-rs/sandbox",
        other => other,
    })
}

/// The first failed test in what a test binary printed.
fn failed_test(said: &str) -> Option<&str> {
    said.lines().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_planted_bug_still_applies() {
        let bugs = bugs().expect("every patch has its header");
        assert!(bugs.len() >= 30, "{}", bugs.len());
        for bug in bugs {
            let mut check = process::at_root("git");
            let checked = check.args(["apply", "--check"]).arg(&bug.patch).output();
            let checked = checked.expect("git is there");
            let said = String::from_utf8_lossy(&checked.stderr);
            assert!(checked.status.success(), "{} is stale, make it anew: {said}", bug.name);
            assert!(!bug.tests.filters.is_empty(), "{} names no test", bug.name);
        }
    }

    #[test]
    fn a_failed_test_is_named() {
        let said = "running 2 tests\ntest a::b ... ok\ntest c::d ... FAILED\n";
        assert_eq!(failed_test(said), Some("c::d"));
        assert_eq!(failed_test("running 0 tests\n"), None);
    }
}
