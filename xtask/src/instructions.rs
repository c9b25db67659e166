//! `cargo xtask instructions`: how many instructions the pure parts take, counted by callgrind and
//! held against what is checked in.
//!
//! Instructions are counted and not timed, because they are the same on a machine that is busy with
//! something else. A part is done `N` times in one process and `2 N` times in another: the
//! difference is what it takes by itself. Valgrind shows every program the same processor, so no
//! machine finds a faster way than another. What is left of chance (padding, random keys of tables)
//! is far below the tolerance.
//!
//! More instructions than written down fail, and so do markedly fewer: then write them down, so
//! that the next one is held against them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::tools::VALGRIND;
use crate::{console, process, root, target_folder};

/// What is checked in, from the root of the repository.
const BASELINE: &str = "benches/instructions.txt";

/// So many hundredths of what is written down may be more or less.
const TOLERANCE: u64 = 3;

/// The profile of `Cargo.toml` in which the parts are built.
const PROFILE: &str = "instructions";

const HEAD: &str = "\
# Instructions of the pure parts, counted by `cargo xtask instructions`. Written by `--write`.
";

/// What `cargo xtask instructions` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write the counts down
    #[arg(long)]
    write: bool,
    /// Count only these parts
    #[arg(conflicts_with = "write")]
    parts: Vec<String>,
}

/// Counts, and compares or writes.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    VALGRIND.find()?;
    let build = ["build", "--locked", "--profile", PROFILE, "--package", "kess-benches"];
    let mut command = process::cargo();
    let lean = ["--no-default-features", "--bin", "kess-instructions"];
    process::run(command.args(build).args(lean))?;
    let program = target_folder().join(PROFILE).join("kess-instructions");
    let parts = process::output(&mut process::at_root(&program))?;
    let chosen =
        |part: &&str| options.parts.is_empty() || options.parts.iter().any(|it| it == part);
    let mut counts = BTreeMap::new();
    for part in parts.lines().filter(chosen) {
        counts.insert(part.to_owned(), count(&program, part)?);
    }
    let file = root().join(BASELINE);
    if options.write {
        let lines = counts.iter().map(|(part, count)| format!("{part} {count}\n"));
        let text = HEAD.to_owned() + &lines.collect::<String>();
        return fs::write(file, text).map_err(|error| format!("{BASELINE}: {error}"));
    }
    let text = fs::read_to_string(file).map_err(|error| format!("{BASELINE}: {error}"))?;
    let written = parse(&text)?;
    let (lines, strayed) = compare(&written, &counts);
    lines.iter().for_each(|line| console::say(line));
    if strayed == 0 {
        return Ok(());
    }
    Err(format!(
        "{strayed} parts differ by more than {TOLERANCE} % from {BASELINE}: undo that, or write it \
         down (cargo xtask instructions --write) and say why in the commit"
    ))
}

/// What the part takes by itself.
fn count(program: &Path, part: &str) -> Result<u64, String> {
    // A file of a thousand rows is a thousand pieces of work by itself.
    let times = if part == "intake" { 2 } else { 100 };
    let (once, twice) = (collect(program, part, times)?, collect(program, part, 2 * times)?);
    Ok(twice.saturating_sub(once) / times)
}

/// Runs it under callgrind.
fn collect(program: &Path, part: &str, times: u64) -> Result<u64, String> {
    let mut command = process::at_root(VALGRIND.program);
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let output = command.arg(program).arg(part).arg(times.to_string()).output();
    let output = output.map_err(|error| format!("{}: {error}", VALGRIND.program))?;
    let said = String::from_utf8_lossy(&output.stderr);
    collected(&said).filter(|_| output.status.success()).ok_or_else(|| format!("{part}: {said}"))
}

/// From callgrind's line `==PID== Collected : COUNT`.
fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains("Collected :"))?;
    line.split_whitespace().next_back()?.parse().ok()
}

/// Lines `PART COUNT`, and comments.
fn parse(text: &str) -> Result<BTreeMap<String, u64>, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| {
            let parts = line
                .split_once(' ')
                .and_then(|(part, count)| Some((part.to_owned(), count.trim().parse().ok()?)));
            parts.ok_or_else(|| format!("{BASELINE}: what is `{line}`?"))
        })
        .collect()
}

/// A line for each part, and how many of them strayed too far.
fn compare(
    written: &BTreeMap<String, u64>,
    counts: &BTreeMap<String, u64>,
) -> (Vec<String>, usize) {
    let mut strayed = 0;
    let lines = counts.iter().map(|(part, &count)| {
        let Some(&before) = written.get(part) else {
            strayed += 1;
            return format!("{part:<10} {count:>12}  not written down");
        };
        let verdict = match count.abs_diff(before) * 100 > before * TOLERANCE {
            false => "",
            true if count > before => "more than written down",
            true => "fewer than written down",
        };
        strayed += usize::from(!verdict.is_empty());
        format!("{part:<10} {count:>12}  {before:>12}  {verdict}").trim_end().to_owned()
    });
    (lines.collect(), strayed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callgrind_says_is_read() {
        let said = "==7== Callgrind\n==7== Events    : Ir\n==7== Collected : 1234567\n==7==\n";
        assert_eq!(collected(said), Some(1_234_567));
        assert_eq!(collected("valgrind: failed"), None);
    }

    #[test]
    fn more_and_fewer_than_the_tolerance_stray() {
        let written = parse("# Words.\nseal 1000\nsign 1000\ncall 1000\n").unwrap();
        let counts = parse("seal 1030\nsign 1031\ncall 969\nnew 5\n").unwrap();
        let (lines, strayed) = compare(&written, &counts);
        assert_eq!(strayed, 3, "{lines:?}");
        assert!(
            lines.iter().any(|line| line.ends_with("1031          1000  more than written down"))
        );
        assert!(
            lines.iter().any(|line| line.ends_with("969          1000  fewer than written down"))
        );
        assert!(lines.iter().any(|line| line.ends_with("not written down")));
        assert!(parse("seal\n").unwrap_err().contains("what is `seal`?"));
    }
}
