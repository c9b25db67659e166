//! `payout sandbox`: serves the sandbox gateway until it is interrupted.
//!
//! What it prints on stdout can be sourced by a shell: the variables of the contract, set to
//! credentials that are made up and open nothing else.

use std::time::Duration;

use kess_sandbox::{FaultPlan, OtpPolicy, Sandbox};
use serde_json::json;

use crate::command::args::{Global, SandboxArgs, SandboxOtp};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::interrupt;
use crate::command::output::{print, tell};
use crate::command::rehearsal::sandbox_variables;
use crate::with_causes;

pub(crate) async fn execute(args: &SandboxArgs, global: &Global) -> Result<Exit, Failure> {
    let latency = Duration::from_millis(args.latency);
    let faults = FaultPlan::bad_day(args.faults.into(), latency);
    let mut builder = Sandbox::builder().seed(args.seed).faults(faults).otp(otp(args.otp));
    if let Some(port) = args.port {
        builder = builder.port(port);
    }
    if let Some(state) = &args.state {
        builder = builder.state_file(state);
    }
    let sandbox = builder.start().map_err(|error| {
        Failure::new(Exit::Other, format!("the sandbox cannot start: {}", with_causes(&error)))
    })?;
    print(&access(&sandbox, global.json))?;
    tell(&format!(
        "sandbox gateway at {url}; the ledger is at {url}/sandbox/ledger; Ctrl-C ends it",
        url = sandbox.base_url()
    ));
    interrupt::watch()?.cancelled().await;
    sandbox.shutdown();
    Ok(Exit::Done)
}

fn otp(policy: SandboxOtp) -> OtpPolicy {
    match policy {
        SandboxOtp::ByAccount => OtpPolicy::ByAccount,
        SandboxOtp::Always => OtpPolicy::Always,
        SandboxOtp::Never => OtpPolicy::Never,
    }
}

/// The environment that points `payout` at this sandbox.
fn access(sandbox: &Sandbox, as_json: bool) -> String {
    let variables = sandbox_variables(sandbox);
    if as_json {
        let variables = variables.map(|(name, value)| (name.to_owned(), json!(value)));
        return serde_json::Value::Object(variables.into_iter().collect()).to_string();
    }
    variables.map(|(name, value)| format!("export {name}='{value}'")).join("\n")
}
