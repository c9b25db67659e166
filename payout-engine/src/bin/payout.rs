//! The `payout` command. All of it is in [`payout_engine::command`], so that others can be it, too.

use std::process::ExitCode;

fn main() -> ExitCode {
    payout_engine::command::run(std::env::args_os()).into()
}
