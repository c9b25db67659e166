//! Whole runs, held against their ceilings and their peers: one table with every target.
//!
//! Each measurement is a process of its own, which talks to a stub in another one. What is compared
//! runs in turns, round after round, and a ratio is the median of the rounds' own ratios: what else
//! the machine does then counts little. A row that cannot be measured says why, and the others are
//! measured all the same.
//!
//! A part (`PARTS`) measures some of the `TARGETS`. [`run`] prints the table, and writes
//! `speed.json` with every round, `performance.svg`, and the table as Markdown into a folder.

mod bench;
mod check;
mod flight;
mod large;
mod limited;
mod machine;
mod number;
mod parts;
mod picture;
mod sizes;
mod sweep;
mod table;
mod targets;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};

use bench::{Bench, Failure};
use number::Number;
use sizes::Sizes;
use sweep::Sweep;
use table::{Found, Row};
use targets::TARGETS;

/// What `kess-bench compare` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Where results are written, and on whose disk is measured
    folder: PathBuf,
    /// The program `payout`
    #[arg(long)]
    payout: PathBuf,
    /// The folder of the peers
    #[arg(long)]
    peers: PathBuf,
    /// An interpreter with what the Python peers need
    #[arg(long, conflicts_with = "no_python")]
    python: Option<PathBuf>,
    /// Why there is none
    #[arg(long, value_name = "WHY")]
    no_python: Option<String>,
    /// What was built
    #[arg(long, default_value = "unknown")]
    commit: String,
    /// Only to see that it runs
    #[arg(long)]
    quick: bool,
    /// How often what is short is measured; what takes long, half as often
    #[arg(long)]
    rounds: Option<u32>,
    /// Rows of the large run
    #[arg(long)]
    large: Option<u64>,
    /// Measure only these parts
    parts: Vec<String>,
}

/// Measures some targets.
struct Part {
    name: &'static str,
    measures: &'static [&'static str],
    measure: fn(&Bench, &mut Results) -> Result<(), Failure>,
}

/// All of them, in the order in which they run.
const PARTS: &[Part] = &[
    Part {
        name: "zero",
        measures: &["zero", "naive", "python", "python-group", "load"],
        measure: parts::without_latency,
    },
    Part {
        name: "pure",
        measures: &["seal-share", "sign", "sign-hash", "seal-openssl"],
        measure: parts::pure,
    },
    Part {
        name: "journal",
        measures: &["journal-1", "journal-8", "journal-64", "journal-256", "journal-512"],
        measure: parts::journal,
    },
    Part { name: "late", measures: &["50ms", "200ms", "flight-memory"], measure: flight::late },
    Part {
        name: "check",
        measures: &["check-csv", "check-polars", "check-memory", "check-memory-10m"],
        measure: check::check,
    },
    Part { name: "limited", measures: &["limited", "retry-after"], measure: limited::limited },
    Part { name: "sweep", measures: &[], measure: sweep::sweep },
    // Last, because it takes longest.
    Part { name: "large", measures: &["run-memory", "resume"], measure: large::large },
];

/// What was found.
#[derive(Debug, Default)]
struct Results {
    found: BTreeMap<&'static str, Found>,
    sweep: Sweep,
    checks: Vec<Value>,
}

impl Results {
    /// Adds a round to a row.
    fn add(&mut self, id: &'static str, number: Number, note: impl Into<String>) {
        let found = self.found.entry(id).or_default();
        found.rounds.push(number);
        found.note = note.into();
    }

    /// Says why a row was not measured, unless it was.
    fn miss(&mut self, id: &'static str, why: &str) {
        let found = self.found.entry(id).or_default();
        if found.rounds.is_empty() {
            found.missing = Some(why.to_owned());
        }
    }
}

/// Measures, prints the table, and writes the results.
///
/// # Errors
/// A folder that cannot be written, a part that is not there. What cannot be measured is no error.
pub fn run(options: &Options, mut say: impl FnMut(&str)) -> Result<(), Failure> {
    let known: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
    if let Some(unknown) = options.parts.iter().find(|part| !known.contains(&part.as_str())) {
        return Err(format!("no such part: {unknown}; there are {}", known.join(", ")).into());
    }
    let began = Instant::now();
    let (bench, _scratch) = bench(options)?;
    let mut results = Results::default();
    let chosen = |name: &str| options.parts.is_empty() || options.parts.iter().any(|it| it == name);
    for part in PARTS {
        let measured = if chosen(part.name) {
            say(&format!("measuring: {} ({} s)", part.name, began.elapsed().as_secs()));
            (part.measure)(&bench, &mut results).map_err(|error| error.to_string())
        } else {
            Err("left out".to_owned())
        };
        if let Err(why) = measured {
            bench.note(part.name, &json!({ "failed": why }));
            for id in part.measures {
                results.miss(id, &why);
            }
        }
    }
    let rows: Vec<Row> = TARGETS
        .iter()
        .map(|target| Row::new(*target, results.found.remove(target.id).unwrap_or_default()))
        .collect();
    write(options, &bench, &rows, &results, began.elapsed().as_secs())?;
    say("");
    say(table::text(&rows).trim_end());
    say("");
    say(&table::verdicts(&rows));
    Ok(())
}

/// Everything that parts need, and the folder that goes when they are done.
fn bench(options: &Options) -> Result<(Bench, tempfile::TempDir), Failure> {
    fs::create_dir_all(&options.folder)?;
    let scratch = tempfile::tempdir_in(fs::canonicalize(&options.folder)?)?;
    let mut sizes = if options.quick { Sizes::QUICK } else { Sizes::FULL };
    if let Some(rounds) = options.rounds {
        sizes.rounds = rounds.max(1);
        sizes.long_rounds = rounds.div_ceil(2).max(1);
    }
    sizes.large = options.large.unwrap_or(sizes.large);
    let why = options.no_python.clone().unwrap_or_else(|| "no interpreter was named".to_owned());
    let bench = Bench {
        kess_bench: std::env::current_exe()?,
        payout: fs::canonicalize(&options.payout)?,
        // Not what its link leads to: an environment is known by the link's place.
        python: options.python.as_ref().map(std::path::absolute).transpose()?.ok_or(why),
        peers: fs::canonicalize(&options.peers)?,
        scratch: scratch.path().to_owned(),
        sizes,
        protocol: RefCell::default(),
    };
    Ok((bench, scratch))
}

fn write(
    options: &Options,
    bench: &Bench,
    rows: &[Row],
    results: &Results,
    seconds: u64,
) -> Result<(), Failure> {
    let machine = machine::describe(&bench.scratch);
    let json = json!({
        "commit": options.commit,
        "machine": machine.json(),
        "quick": options.quick,
        "seconds": seconds,
        "verdicts": table::verdicts(rows),
        "rows": rows.iter().map(Row::json).collect::<Vec<_>>(),
        "sweep": results.sweep.json(),
        "checks": results.checks,
        "protocol": bench.protocol.take(),
    });
    let pretty = serde_json::to_string_pretty(&json)? + "\n";
    fs::write(options.folder.join("speed.json"), pretty)?;
    let mut page = format!(
        "On {}, at commit `{}`, in {seconds} seconds; {}.\n\n",
        machine.sentence(),
        options.commit,
        table::verdicts(rows)
    );
    page.push_str(&table::markdown(rows));
    if !results.sweep.is_empty() {
        page.push_str(&results.sweep.markdown());
        fs::write(options.folder.join("performance.svg"), picture::draw(&results.sweep))?;
    }
    page.push_str(&check::markdown(&results.checks));
    fs::write(options.folder.join("performance.md"), page)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_before_a_part_failed_counts() {
        let mut results = Results::default();
        results.add("zero", Number::whole(1), "one round");
        results.miss("zero", "the second one failed");
        results.miss("naive", "it never ran");
        assert_eq!(results.found["zero"].missing, None);
        assert_eq!(results.found["naive"].missing.as_deref(), Some("it never ran"));
    }
}
