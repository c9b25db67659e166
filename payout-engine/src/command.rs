//! The `payout` command: a file of people in, their money out, exactly once.
//!
//! This is the shell around the engine: command line, configuration, progress, what people read,
//! exit codes. Nothing here decides about money, and nothing here is a program: [`run`] is called
//! by the `payout` program and by whoever wants to be it. Data goes to stdout, all else to stderr.

mod args;
mod commands;
mod exit;
mod failure;
mod interrupt;
mod log;
mod output;
mod place;
mod progress;
mod rehearsal;

pub use rehearsal::{sandbox_client, sandbox_variables};

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Parser;

use crate::Ruling;
use crate::command::args::{Cli, Command};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::config::Config;
use crate::serve::Traces;

/// Runs the command in this process and returns its exit code, which the manual explains.
///
/// `args` begin with the name of the program, as those of [`std::env::args_os`] do.
///
/// It starts a runtime of its own, so it is not for asynchronous code to call. The first Ctrl-C or
/// SIGTERM drains what is under way; a second one ends the process. Logs go to stderr, unless the
/// process has a subscriber of its own for them.
pub fn run<I>(args: I) -> u8
where
    I: IntoIterator<Item: Into<OsString> + Clone>,
{
    let exit = match Cli::try_parse_from(args) {
        Ok(cli) => run_parsed(&cli) as u8,
        Err(answer) => {
            // Help and version are such answers, too. Nobody to read it is no other answer.
            let _ = answer.print();
            if answer.use_stderr() { Exit::Usage as u8 } else { Exit::Done as u8 }
        }
    };
    // The process may go on, and what it prints itself should come after this.
    let _ = io::stdout().flush();
    exit
}

fn run_parsed(cli: &Cli) -> Exit {
    let result = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::new(Exit::Other, format!("no threads to work with: {error}")))
        .and_then(|runtime| runtime.block_on(begin(cli)));
    match result {
        Ok(exit) => exit,
        Err(failure) => {
            output::tell_failure(&failure);
            if cli.global.json {
                let _ = output::print(&failure.json());
            }
            failure.exit
        }
    }
}

/// Logs first, then does what was asked.
async fn begin(cli: &Cli) -> Result<Exit, Failure> {
    let traces = commands::serve::traces(cli);
    log::begin(&cli.global, traces.as_ref().ok().and_then(Option::as_ref));
    execute(cli, traces?).await
}

async fn execute(cli: &Cli, traces: Option<Traces>) -> Result<Exit, Failure> {
    let global = &cli.global;
    // Read where it is needed: `init` begins one, and `doctor` tells what is wrong with it.
    let config = || -> Result<Config, Failure> {
        Ok(Config::load(global.config.as_deref())?.with_store(global.store.clone()))
    };
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
        Command::Move(args) => commands::carry::execute(args, global, &config()?).await,
        Command::Archive(args) => commands::archive::execute(args, global, &config()?).await,
        Command::Retry(args) => commands::retry::execute(args, global, &config()?).await,
        Command::Pause(args) => commands::pause::execute(args, global, &config()?).await,
        Command::Worker => commands::worker::execute(global, &config()?).await,
        Command::Cancel(args) => commands::cancel::execute(args, global, &config()?).await,
        Command::Release(args) => {
            commands::decide::execute(args, Ruling::Released, global, &config()?).await
        }
        Command::Reject(args) => {
            commands::decide::execute(args, Ruling::Rejected, global, &config()?).await
        }
        Command::Serve(args) if args.hash_password => commands::serve::hash(),
        Command::Serve(args) => commands::serve::execute(args, global, &config()?, traces).await,
        Command::Sandbox(args) => commands::sandbox::execute(args, global).await,
    }
}
