//! Our own driver: spoils seeds at random and calls a target with each, for some seconds.
//!
//! `kess-fuzz-targets SECONDS SEED [TARGET...]`. It knows nothing about coverage, but it needs
//! nothing but the toolchain that is there, and the same seed makes the same inputs. An input that
//! makes a target panic is written to `fuzz/findings/`; one that takes seconds is a finding too.

use std::fs;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use kess_fuzz_targets::{TARGETS, Target};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Inputs grow no longer than this.
const LONGEST: usize = 4_096;

/// An input that takes longer is a finding.
const PATIENCE: Duration = Duration::from_secs(5);

/// What inputs of our kind are full of.
const WORDS: &[&str] = &[
    "\n",
    "\r\n",
    "\"",
    "\"\"",
    ",",
    ";",
    "\t",
    "=",
    "&",
    "[",
    "]",
    "{",
    "}",
    ":",
    "\0",
    "\u{feff}",
    "\u{200b}",
    "\u{a0}",
    "0",
    "-0",
    "-",
    "+",
    ".",
    "1e3",
    "1e-9",
    "1E400",
    "0.005",
    "9999999999999999",
    "79228162514264337593543950335",
    "null",
    "true",
    "false",
    "\"true\"",
    "success",
    "data",
    "code",
    "error",
    "message",
    "sign",
    "sign_type",
    "NOT_FOUND",
    "DUPLICATED",
    "USD",
    "KHR",
    "sep=;",
    "%5B",
    "%00",
    "'",
    "\\u0000",
    "\\ud800",
    "6304",
    "0002",
    "ខ្ញុំ",
    "្",
    "é",
    "🙂",
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = || arguments.next().and_then(|text| text.parse::<u64>().ok());
    let (Some(seconds), Some(seed)) = (number(), number()) else {
        say("usage: kess-fuzz-targets SECONDS SEED [TARGET...]");
        return ExitCode::from(2);
    };
    let wanted: Vec<String> = arguments.collect();
    if let Some(unknown) = wanted.iter().find(|name| TARGETS.iter().all(|(it, _)| it != name)) {
        let known: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
        say(&format!("no target is called {unknown}; there are {}", known.join(", ")));
        return ExitCode::from(2);
    }
    let chosen = |target: &&Target| wanted.is_empty() || wanted.iter().any(|name| name == target.0);
    let mut good = true;
    for target in TARGETS.iter().filter(chosen) {
        good &= drive(target, Duration::from_secs(seconds), seed);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one target; false where it found something.
fn drive((name, target): &Target, time: Duration, seed: u64) -> bool {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut seeds = seeds(&home.join("corpus").join(name));
    if seeds.is_empty() {
        seeds.push(Vec::new());
    }
    let mut random = StdRng::seed_from_u64(seed);
    let started = Instant::now();
    let mut runs = 0_u64;
    while started.elapsed() < time {
        let input = made_up(&seeds, &mut random);
        let begun = Instant::now();
        let survived = panic::catch_unwind(AssertUnwindSafe(|| target(&input))).is_ok();
        runs += 1;
        if !survived || begun.elapsed() > PATIENCE {
            let what = if survived { "takes too long" } else { "panics" };
            let kept = keep(&home.join("findings"), name, &input);
            say(&format!("{name}: run {runs} {what}; its input is {}", kept.display()));
            return false;
        }
    }
    say(&format!("{name}: {runs} inputs in {} s, nothing found", time.as_secs()));
    true
}

fn seeds(folder: &Path) -> Vec<Vec<u8>> {
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = files.filter_map(Result::ok).map(|file| file.path()).collect();
    // Folders have no order of their own, and the same seed shall make the same inputs.
    files.sort();
    files.iter().filter_map(|file| fs::read(file).ok()).collect()
}

/// A seed, spoiled in one to eight places.
fn made_up(seeds: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
    let mut input = seeds[random.gen_range(0..seeds.len())].clone();
    for _ in 0..random.gen_range(1..=8) {
        let at = random.gen_range(0..=input.len());
        let end = random.gen_range(at..=input.len().min(at + 40));
        match random.gen_range(0..6) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << random.gen_range(0..8);
                }
            }
            1 => drop(input.drain(at..end)),
            2 => drop(input.splice(at..at, [random.r#gen::<u8>()])),
            3 => {
                let word = WORDS[random.gen_range(0..WORDS.len())];
                drop(input.splice(at..end.min(at + 4), word.bytes()));
            }
            4 => {
                let copy = input[at..end].to_vec();
                let to = random.gen_range(0..=input.len());
                drop(input.splice(to..to, copy));
            }
            _ => {
                let other = &seeds[random.gen_range(0..seeds.len())];
                let from = random.gen_range(0..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
        }
    }
    input.truncate(LONGEST);
    input
}

fn keep(folder: &Path, name: &str, input: &[u8]) -> PathBuf {
    let path = folder.join(name);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, input));
    if let Err(error) = written {
        say(&format!("{} cannot be written: {error}; the input: {input:?}", path.display()));
    }
    path
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
