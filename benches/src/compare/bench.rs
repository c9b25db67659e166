//! Programs that measure, the stub that they talk to, and a protocol of all that they said.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::number::Number;
use super::sizes::Sizes;
use crate::{memory, stub};

/// What parts end with where they cannot measure.
pub(super) type Failure = Box<dyn std::error::Error>;

/// What a measuring program printed.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Measured {
    /// Calls, rows.
    pub(super) done: u64,
    /// How long all of it took.
    pub(super) nanoseconds: u64,
    /// On all processors.
    #[serde(default)]
    pub(super) processor_nanoseconds: u64,
    /// The most memory that the process had.
    #[serde(default)]
    pub(super) peak_kib: Option<u64>,
    /// Without ramp and tail.
    #[serde(default)]
    pub(super) middle: Option<Middle>,
}

/// The middle of a run.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
pub(super) struct Middle {
    /// Rows.
    pub(super) done: u64,
    /// How long they took.
    pub(super) nanoseconds: u64,
}

impl Measured {
    /// Calls or rows a second.
    pub(super) fn a_second(&self) -> Number {
        Number::ratio(u128::from(self.done) * 1_000_000_000, self.nanoseconds.into())
    }

    /// Rows a second in the middle.
    ///
    /// # Errors
    /// Where it has none.
    pub(super) fn steady(&self) -> Result<Number, Failure> {
        let Middle { done, nanoseconds } = self.middle.ok_or("the run has no middle")?;
        Ok(Number::ratio(u128::from(done) * 1_000_000_000, nanoseconds.into()))
    }
}

/// Where things are, how large they are, and what was said.
pub(super) struct Bench {
    /// The program `kess-bench`.
    pub(super) kess_bench: PathBuf,
    /// The program `payout`.
    pub(super) payout: PathBuf,
    /// An interpreter with what the Python peers need, or why there is none.
    pub(super) python: Result<PathBuf, String>,
    /// The folder `benches/peers`.
    pub(super) peers: PathBuf,
    /// A folder on the disk that is measured, for all that is thrown away.
    pub(super) scratch: PathBuf,
    /// How much is measured.
    pub(super) sizes: Sizes,
    /// What was measured, in its order.
    pub(super) protocol: RefCell<Vec<Value>>,
}

impl Bench {
    /// Runs `kess-bench` with these arguments and returns what it measured.
    ///
    /// # Errors
    /// Where it fails or prints something else.
    pub(super) fn ours(
        &self,
        stub: Option<&Stub>,
        arguments: &[&str],
    ) -> Result<Measured, Failure> {
        let mut command = Command::new(&self.kess_bench);
        command.args(arguments);
        let said = self.run(stub, &mut command)?;
        let measured: Measured = serde_json::from_value(said)?;
        Ok(measured)
    }

    /// Runs a program, and returns the JSON that it printed.
    ///
    /// # Errors
    /// Where it fails or prints something else.
    pub(super) fn run(&self, stub: Option<&Stub>, command: &mut Command) -> Result<Value, Failure> {
        command.stdin(Stdio::null()).current_dir(&self.scratch);
        if let Some(stub) = stub {
            command.envs(&stub.environment);
        }
        let name = name(command);
        let output = command.stderr(Stdio::piped()).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
            return Err(format!("{name}: {}: {last}", output.status).into());
        }
        let said: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("{name} did not print JSON: {error}"))?;
        self.note(&name, &said);
        Ok(said)
    }

    /// Runs `payout` and returns how long that took, and its peak of memory.
    ///
    /// # Errors
    /// Where it fails.
    pub(super) fn payout(
        &self,
        stub: Option<&Stub>,
        arguments: &[&str],
    ) -> Result<Measured, Failure> {
        let mut command = self.command(stub, arguments);
        let (name, began) = (name(&command), Instant::now());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let (ended, peak_kib) = watch(&mut child)?;
        let nanoseconds = nanoseconds(ended.saturating_duration_since(began));
        let status = child.wait()?;
        if !status.success() {
            return Err(format!("{name}: {status}").into());
        }
        let measured =
            Measured { done: 1, nanoseconds, processor_nanoseconds: 0, peak_kib, middle: None };
        self.note(&name, &serde_json::to_value(&measured)?);
        Ok(measured)
    }

    /// `payout` with these arguments, on nothing but what is given.
    pub(super) fn command(&self, stub: Option<&Stub>, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.payout);
        command.args(arguments).current_dir(&self.scratch).stdin(Stdio::null());
        command.env_clear().env("PAYOUT_STATE_DIR", &self.scratch).env("HOME", &self.scratch);
        if let Some(stub) = stub {
            command.envs(&stub.environment);
        }
        command
    }

    /// A peer that is a script of Python.
    ///
    /// # Errors
    /// Where Python is not there.
    pub(super) fn peer(&self, script: &str) -> Result<Command, Failure> {
        let python = self.python.as_ref().map_err(String::as_str)?;
        let mut command = Command::new(python);
        command.arg(self.peers.join(script));
        Ok(command)
    }

    /// Adds to the protocol.
    pub(super) fn note(&self, what: &str, said: &Value) {
        self.protocol.borrow_mut().push(json!({"run": what, "said": said}));
    }

    /// A file with so many people to pay, made once.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn people(&self, rows: u64) -> Result<String, Failure> {
        let path = self.scratch.join(format!("people-{rows}.csv"));
        if !path.exists() {
            let mut file = io::BufWriter::new(std::fs::File::create(&path)?);
            crate::people::write(rows, &mut file)?;
            file.flush()?;
        }
        Ok(path.display().to_string())
    }

    /// A store that is not there yet.
    ///
    /// # Errors
    /// Where an earlier one cannot be removed.
    pub(super) fn new_store(&self) -> Result<String, Failure> {
        for entry in std::fs::read_dir(&self.scratch)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("store.db") {
                std::fs::remove_file(&path)?;
            }
        }
        Ok(format!("sqlite://{}", self.scratch.join("store.db").display()))
    }

    /// Loads so many rows and pays them; returns both.
    ///
    /// # Errors
    /// Where a row is not paid.
    pub(super) fn pay(
        &self,
        stub: &Stub,
        rows: u64,
        in_flight: usize,
    ) -> Result<(Measured, Measured), Failure> {
        let (file, store) = (self.people(rows)?, self.new_store()?);
        let loaded = self.ours(Some(stub), &["load", &file, &store])?;
        let concurrency = in_flight.to_string();
        let ran = self.ours(Some(stub), &["run", &store, "--concurrency", &concurrency])?;
        if ran.done != rows {
            return Err(format!("{} of {rows} rows were paid", ran.done).into());
        }
        Ok((loaded, ran))
    }
}

/// Waits until a child ends; returns when that was and the most memory that it was seen with.
///
/// # Errors
/// Where it cannot be waited for.
pub(super) fn watch(child: &mut Child) -> io::Result<(Instant, Option<u64>)> {
    let mut peak = None;
    while child.try_wait()?.is_none() {
        // It only grows, so that the last look counts.
        peak = memory::peak_kib(child.id()).max(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok((Instant::now(), peak))
}

/// The words of a command, without folders.
fn name(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words
        .map(|word| {
            let word = word.to_string_lossy();
            word.rsplit('/').next().unwrap_or(&word).to_owned()
        })
        .collect();
    words.join(" ")
}

/// Of a duration.
pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A stub in a process of its own. It ends when this is dropped.
pub(super) struct Stub {
    environment: BTreeMap<String, String>,
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Stub {
    /// Starts one with these options.
    ///
    /// # Errors
    /// Where it does not start.
    pub(super) fn start(bench: &Bench, options: &[&str]) -> Result<Self, Failure> {
        let mut command = Command::new(&bench.kess_bench);
        command.arg("stub").args(options).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let stdin = child.stdin.take();
        Ok(Self { environment: serde_json::from_str(&line)?, child, stdin })
    }

    /// What whoever calls it is configured with.
    pub(super) fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// What it has seen.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(super) fn figures(&self) -> Result<Value, Failure> {
        self.ask(stub::FIGURES)
    }

    /// Lets it forget what it has seen.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(super) fn forget(&self) -> Result<(), Failure> {
        self.ask(stub::FORGET).map(drop)
    }

    fn ask(&self, path: &str) -> Result<Value, Failure> {
        let url = self.environment.get("KESS_BASE_URL").ok_or("the stub has no address")?;
        let mut connection = TcpStream::connect(url.trim_start_matches("http://"))?;
        write!(connection, "POST {path} HTTP/1.1\r\nContent-Length: 0\r\n\r\n")?;
        let mut reader = BufReader::new(connection);
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line)? > 2 {
            if let Some(value) = line.strip_prefix("Content-Length:") {
                length = value.trim().parse()?;
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(serde_json::from_slice(&body)?)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// A number among others.
///
/// # Errors
/// Where it is not there.
pub(super) fn count(figures: &Value, name: &str) -> Result<u64, Failure> {
    Ok(figures[name].as_u64().ok_or_else(|| format!("nothing tells {name}"))?)
}
