//! How long the programs take to compile from nothing, and how large they are.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

use super::document;
use crate::{console, process, target_folder};

/// What is compiled: its name here, and cargo's words for it.
const BUILDS: [(&str, &[&str]); 2] = [
    ("`payout`, not optimised", &["--package", "payout-engine", "--bin", "payout"]),
    ("`payout`, optimised", &["--release", "--package", "payout-engine", "--bin", "payout"]),
];

/// Compiles each into a folder that was empty, one after the other.
pub(super) fn run(is_documented: bool) -> Result<(), String> {
    let mut table =
        "| what | seconds | processor seconds | size |\n|---|---:|---:|---:|\n".to_owned();
    let mut json = Vec::new();
    for (name, arguments) in BUILDS {
        let folder = target_folder().join("bench").join("compile");
        let _ = fs::remove_dir_all(&folder);
        console::step(&format!("compiling {name}"));
        let (began, before) = (Instant::now(), worked());
        let mut command = process::cargo();
        command.arg("build").args(arguments).env("CARGO_TARGET_DIR", &folder);
        process::run(command.env("CARGO_INCREMENTAL", "0"))?;
        let (seconds, after) = (began.elapsed().as_secs(), worked());
        let processor = after.zip(before).map(|(after, before)| (after - before).to_string());
        let processor = processor.unwrap_or_else(|| "unknown".to_owned());
        let profile = if arguments.contains(&"--release") { "release" } else { "debug" };
        let size = size(&folder.join(profile).join("payout"))?;
        let _ = writeln!(table, "| {name} | {seconds} | {processor} | {} KiB |", size / 1_024);
        json.push(format!("  {{\"what\": \"{name}\", \"seconds\": {seconds}, \"bytes\": {size}}}"));
        let _ = fs::remove_dir_all(&folder);
    }
    let folder = target_folder().join("bench");
    let written = fs::write(folder.join("compile.json"), format!("[\n{}\n]\n", json.join(",\n")));
    written.map_err(|error| format!("compile.json: {error}"))?;
    console::say(table.trim_end());
    if is_documented { document::put("compile", &table) } else { Ok(()) }
}

fn size(file: &Path) -> Result<u64, String> {
    let about = fs::metadata(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(about.len())
}

/// Processor seconds of all children that have ended, where the system tells them.
fn worked() -> Option<u64> {
    children(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// The sum of `cutime` and `cstime`, which count hundredths.
fn children(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let times = fields.split_whitespace().skip(13).take(2);
    times
        .map(|time| time.parse::<u64>().ok())
        .sum::<Option<u64>>()
        .map(|hundredths| hundredths / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_children_is_read() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4 1 2 3 4 11 12 1300 1400 20 0 1 0 5 6 7\n";
        assert_eq!(children(stat), Some(27));
        assert_eq!(children(""), None);
    }
}
