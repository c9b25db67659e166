//! `payout doctor`: is everything there that a run needs?
//!
//! It looks and asks, and that is all: no money moves, no store is made, no secret is shown. Each
//! check is a line with a verdict and, where it is not `ok`, with what to do.

mod gateway;
mod store;

use kess_gateway::PublicKey;
use serde_json::json;

use crate::command::args::Global;
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::{print, table};
use crate::config::Config;
use crate::intake::SEALED_BYTES;

/// What a check came to. `Fail` carries the exit code that a run would end with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warn,
    Fail(Exit),
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail(_) => "fail",
        }
    }
}

/// One line of the doctor's.
struct Check {
    name: &'static str,
    verdict: Verdict,
    found: String,
    advice: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, found: found.into(), advice: None }
    }

    fn bad(
        name: &'static str,
        verdict: Verdict,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { name, verdict, found: found.into(), advice: Some(advice.into()) }
    }

    fn failed(name: &'static str, failure: &Failure) -> Self {
        let advice = failure.hint().unwrap_or("the manual, docs/payout.md, has a complete example");
        Self::bad(name, Verdict::Fail(Exit::Usage), failure.message(), advice)
    }
}

pub(crate) async fn execute(
    global: &Global,
    config: Result<Config, Failure>,
) -> Result<Exit, Failure> {
    let mut checks = Vec::new();
    match config {
        Ok(config) => {
            checks.push(settings(&config));
            checks.extend(key(&config));
            checks.extend(store::checks(&config).await);
            checks.extend(gateway::checks(&config).await);
        }
        Err(failure) => checks.push(Check::failed("configuration", &failure)),
    }
    let exit = exit(&checks);
    let text = if global.json { document(&checks) } else { text(&checks) };
    print(&text)?;
    Ok(exit)
}

fn settings(config: &Config) -> Check {
    match config.client_builder() {
        Ok(_) => Check::ok("configuration", "complete"),
        Err(error) => Check::failed("configuration", &error.into()),
    }
}

/// Nothing where no key is named: that the configuration lacks it was said already.
fn key(config: &Config) -> Option<Check> {
    match config.public_key().transpose()? {
        Ok(key) => Some(capacity(&key)),
        Err(error) => Some(Check::failed("public key", &error.into())),
    }
}

fn capacity(key: &PublicKey) -> Check {
    let capacity = key.capacity();
    let found = format!("{key:?}, seals {capacity} bytes");
    if capacity >= SEALED_BYTES {
        return Check::ok("public key", found);
    }
    let advice = "names, e-mail and address of a payee have to fit; `payout check` names the rows \
                  that do not";
    Check::bad("public key", Verdict::Warn, found, advice)
}

/// What is wrong here goes before what is wrong at the gateway: it has to be put right first.
fn exit(checks: &[Check]) -> Exit {
    let fails = |exit| checks.iter().any(|check| check.verdict == Verdict::Fail(exit));
    if fails(Exit::Usage) {
        Exit::Usage
    } else if fails(Exit::Stopped) {
        Exit::Stopped
    } else {
        Exit::Done
    }
}

fn document(checks: &[Check]) -> String {
    let checks: Vec<_> = checks
        .iter()
        .map(|check| {
            json!({
                "check": check.name,
                "status": check.verdict.word(),
                "message": check.found,
                "hint": check.advice,
            })
        })
        .collect();
    json!({ "checks": checks }).to_string()
}

fn text(checks: &[Check]) -> String {
    let mut rows = Vec::new();
    for check in checks {
        let row = [check.verdict.word(), check.name, &check.found];
        rows.push(row.map(str::to_owned).to_vec());
        if let Some(advice) = &check.advice {
            rows.push(vec![String::new(), String::new(), format!("-> {advice}")]);
        }
    }
    table(&rows, &[])
}
