//! The `payout` command: a file of people in, their money out, exactly once.
//!
//! This is the shell around [`payout_engine`]: command line, configuration, progress, what people
//! read, exit codes. Nothing here decides about money. Data goes to stdout, all else to stderr.

mod args;
mod commands;
mod config;
mod exit;
mod failure;
mod interrupt;
mod output;
mod place;
mod progress;
mod rehearsal;

use std::io;
use std::process::ExitCode;

use clap::Parser;
use payout_engine::Ruling;
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Command, Global};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(&cli.global);
    let result = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::new(Exit::Other, format!("no threads to work with: {error}")))
        .and_then(|runtime| runtime.block_on(execute(&cli)));
    let exit = match result {
        Ok(exit) => exit,
        Err(failure) => {
            output::tell(&failure.text());
            if cli.global.json {
                let _ = output::print(&failure.json());
            }
            failure.exit
        }
    };
    exit.into()
}

async fn execute(cli: &Cli) -> Result<Exit, Failure> {
    let global = &cli.global;
    // Read where it is needed: `init` begins one, and `doctor` tells what is wrong with it.
    let config = || Config::load(global);
    match &cli.command {
        Command::Doctor => commands::doctor::execute(global, config()).await,
        Command::Init => commands::init::execute(global),
        Command::Check(args) => commands::check::execute(args, global, &config()?).await,
        Command::Run(args) => commands::run::execute(args, global, &config()?).await,
        Command::Resume(args) => commands::resume::execute(args, global, &config()?).await,
        Command::List(args) => commands::list::execute(args, global, &config()?).await,
        Command::Status(args) => commands::status::execute(args, global, &config()?).await,
        Command::Otp(args) => commands::otp::execute(args, global, &config()?).await,
        Command::Reconcile(args) => commands::reconcile::execute(args, global, &config()?).await,
        Command::Audit(args) => commands::audit::execute(args, global, &config()?).await,
        Command::Report(args) => commands::report::execute(args, global, &config()?).await,
        Command::Purge(args) => commands::purge::execute(args, global, &config()?).await,
        Command::Retry(args) => commands::retry::execute(args, global, &config()?).await,
        Command::Cancel(args) => commands::cancel::execute(args, global, &config()?).await,
        Command::Release(args) => {
            commands::decide::execute(args, Ruling::Released, global, &config()?).await
        }
        Command::Reject(args) => {
            commands::decide::execute(args, Ruling::Rejected, global, &config()?).await
        }
        Command::Sandbox(args) => commands::sandbox::execute(args, global).await,
    }
}

/// Logs go to stderr. Nothing that is logged anywhere in this workspace is secret or personal.
fn log_to_stderr(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    // What others log about HTTP would show whole requests.
    let filter = format!("{level},hyper=warn,reqwest=warn,h2=warn,rustls=warn,sqlx=warn");
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(io::stderr)
        .with_target(false)
        .init();
}
