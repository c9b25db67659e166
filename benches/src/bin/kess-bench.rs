//! The Rust side of comparisons with other languages, one measurement a process:
//!
//! ```text
//! kess-bench stub                          a bare gateway, until stdin is closed
//! kess-bench calls OPERATION COUNT AT_ONCE
//! kess-bench batch FILE STORE
//! ```
//!
//! `stub` prints the configuration for everybody else, as JSON with the variables of the manual;
//! the others read it from their environment and print what they did and how long it took, as JSON.
//! Nothing is compared here.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::Path;

use kess_benches::calls::Operation;
use kess_benches::watch::Took;
use kess_benches::{batch, calls, configuration, configured_client, stub};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // The runtime that the Python binding has, too.
    let many = Builder::new_multi_thread().enable_all().build()?;
    match words[..] {
        ["stub"] => Builder::new_current_thread().enable_all().build()?.block_on(serve()),
        ["calls", operation, count, at_once] => {
            let operation = Operation::named(operation).ok_or("there is no such operation")?;
            let (client, count) = (configured_client()?, count.parse::<u32>()?);
            let at_once = at_once.parse()?;
            let took = many.block_on(calls::calls(&client, operation, count, at_once))?;
            say(&measured(count.into(), took))
        }
        ["batch", file, store] => {
            let work = batch::batch(configured_client()?, Path::new(file), store);
            let (paid, took) = many.block_on(work)?;
            say(&measured(paid, took))
        }
        _ => Err("see the head of benches/src/bin/kess-bench.rs".into()),
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say(&configuration(&format!("http://{}", listener.local_addr()?)))?;
    // Whoever started it is gone once stdin is closed. A thread of its own waits for that, because
    // a runtime would wait for the thread.
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    Ok(stub::serve(listener).await?)
}

fn measured(done: u64, took: Took) -> Value {
    json!({
        "done": done,
        "nanoseconds": took.elapsed.as_nanos() as u64,
        "processor_nanoseconds": took.processor.as_nanos() as u64,
    })
}

fn say(value: &Value) -> Result<(), Box<dyn Error>> {
    Ok(writeln!(io::stdout(), "{value}")?)
}
