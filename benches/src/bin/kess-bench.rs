//! Measurements, each a process of its own: `kess-bench --help` lists them.
//!
//! `stub` prints the configuration for everybody else, as JSON with the variables of the manual;
//! the others read it from their environment and print what they did and how long it took, as JSON.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use kess_benches::calls::Operation;
use kess_benches::pure::Costs;
use kess_benches::stub::{Limit, Settings};
use kess_benches::watch::{Took, Watch};
use kess_benches::{
    bare, batch, calls, client, compare, configuration, configured_client, journal, memory, naive,
    people, pure, raw, stub,
};
use serde_json::{Value, json};
use tikv_jemallocator::Jemalloc;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

/// That of the `payout` command.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Measurements, each a process of its own.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// A bare gateway, until stdin is closed
    Stub(StubOptions),
    /// Bare reqwest calls
    Bare { count: u64, at_once: usize },
    /// Calls of the client
    Calls { operation: String, count: u32, at_once: u32 },
    /// Write a file with so many people to pay
    People { rows: u64, file: PathBuf },
    /// Check a file and write it to a store
    Load { file: PathBuf, store: String },
    /// Pay what is left to pay of a store's newest batch
    Run {
        store: String,
        #[arg(long, default_value_t = 64)]
        concurrency: usize,
    },
    /// Both: from the file to the last row in the store
    Batch { file: PathBuf, store: String },
    /// Pay a file as a Rust loop would that commits each row by itself
    Naive { file: PathBuf, store: String },
    /// Read a file with the csv crate, and do nothing with it
    Csv { file: PathBuf },
    /// The pure parts
    Pure,
    /// Write transitions of a file's rows to a new store, so many a commit
    Journal { file: PathBuf, store: String, group: usize },
    /// Append as many bytes to a file, and make them durable, so often
    Append { file: PathBuf, group: usize, times: u32 },
    /// All of it: one table with every target
    Compare(compare::Options),
}

#[derive(Args)]
struct StubOptions {
    /// How long an answer takes, in milliseconds
    #[arg(long, default_value_t = 0)]
    delay: u64,
    /// Admit so many calls a second
    #[arg(long)]
    admit: Option<u32>,
    /// Admit so many at once after a while without any [default: as many as in a second]
    #[arg(long)]
    burst: Option<u32>,
    /// What a refusal asks for, in seconds
    #[arg(long, default_value_t = 1)]
    retry_after: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::parse();
    // The runtime that the Python binding has, too.
    let many = Builder::new_multi_thread().enable_all().build()?;
    match cli.what {
        What::Stub(options) => {
            Builder::new_current_thread().enable_all().build()?.block_on(serve(&options))
        }
        What::Bare { count, at_once } => {
            let client = configured_client(at_once)?;
            let took = many.block_on(bare::calls(&client, count, at_once));
            let took = took.map_err(|error| error.to_string())?;
            say(&measured(count, took))
        }
        What::Calls { operation, count, at_once } => {
            let operation = Operation::named(&operation).ok_or("there is no such operation")?;
            let client = configured_client(at_once as usize)?;
            let took = many.block_on(calls::calls(&client, operation, count, at_once))?;
            say(&measured(count.into(), took))
        }
        What::People { rows, file } => {
            let mut file = BufWriter::new(File::create(file)?);
            people::write(rows, &mut file)?;
            Ok(file.flush()?)
        }
        What::Load { file, store } => {
            let client = configured_client(1)?;
            let (rows, took) = many.block_on(batch::load(&client, &file, &store))?;
            say(&measured(rows, took))
        }
        What::Run { store, concurrency } => {
            let client = configured_client(concurrency)?;
            let (paid, took, middle) = many.block_on(batch::run(client, &store, concurrency))?;
            let mut said = measured(paid, took);
            if let Some(middle) = middle {
                said["middle"] =
                    json!({"done": middle.rows, "nanoseconds": nanoseconds(middle.took)});
            }
            say(&said)
        }
        What::Batch { file, store } => {
            let client = configured_client(64)?;
            let (paid, took) = many.block_on(batch::batch(client, &file, &store))?;
            say(&measured(paid, took))
        }
        What::Naive { file, store } => {
            let paid = many.block_on(naive::pay_all(&file, &store));
            let (paid, took) = paid.map_err(|error| error.to_string())?;
            say(&measured(paid, took))
        }
        What::Csv { file } => {
            let watch = Watch::start();
            let rows = raw::read(&file)?;
            say(&measured(rows, watch.read()))
        }
        What::Pure => {
            let Costs { seal, sign, hash } = pure::costs()?;
            say(&json!({"seal": seal, "sign": sign, "hash": hash}))
        }
        What::Journal { file, store, group } => {
            let client = client()?;
            let (done, took) = many.block_on(journal::store(&client, &file, &store, group))?;
            say(&json!({"done": done, "nanoseconds": nanoseconds(took)}))
        }
        What::Append { file, group, times } => {
            let (done, took) = journal::plain(&file, group, times)?;
            say(&json!({"done": done, "nanoseconds": nanoseconds(took)}))
        }
        What::Compare(options) => compare::run(&options, |line| {
            let _ = writeln!(io::stdout(), "{line}");
        }),
    }
}

async fn serve(options: &StubOptions) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say(&configuration(&format!("http://{}", listener.local_addr()?)))?;
    // Whoever started it is gone once stdin is closed. A thread of its own waits for that, because
    // a runtime would wait for the thread.
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    let limit = options.admit.map(|rate| Limit {
        rate,
        burst: options.burst.unwrap_or(rate),
        retry_after: options.retry_after,
    });
    let settings = Settings { delay: Duration::from_millis(options.delay), limit };
    Ok(stub::serve(listener, settings).await?)
}

fn measured(done: u64, took: Took) -> Value {
    json!({
        "done": done,
        "nanoseconds": nanoseconds(took.elapsed),
        "processor_nanoseconds": nanoseconds(took.processor),
        "peak_kib": memory::own_peak_kib(),
    })
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn say(value: &Value) -> Result<(), Box<dyn Error>> {
    Ok(writeln!(io::stdout(), "{value}")?)
}
