//! The `payout` command. All of it is in [`payout_engine::command`], so that others can be it, too.

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    payout_engine::command::run(std::env::args_os()).into()
}
