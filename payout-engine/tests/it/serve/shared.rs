//! A server on a store that others share.

use super::process::{Served, until};
use crate::cli_kill::{booked, compare, slow_sandbox};
use crate::command::{Desk, rows};
use crate::postgres::{Database, database};

const ROWS: u32 = 120;

/// The sandbox's merchant with a database; what a dead runner leaves is taken over after a second.
fn desk(sandbox: &kess_sandbox::Sandbox, database: &Database) -> Desk {
    let mut desk = Desk::at(sandbox);
    desk.set("PAYOUT_STORE", &database.url);
    Served::with_tokens(&mut desk);
    let settings = std::fs::read_to_string(desk.path("payout.toml")).unwrap();
    desk.write("payout.toml", &format!("{settings}lease = '1s'\n"));
    desk.write_rows("june.csv", &rows(ROWS));
    desk
}

const RUN: [&str; 7] = ["run", "june.csv", "--yes", "--batch", "june", "--concurrency", "4"];

#[test]
fn a_server_takes_up_what_a_killed_runner_left_once_its_time_is_over() {
    let Some(database) = database() else { return };
    let sandbox = slow_sandbox();
    let desk = desk(&sandbox, &database);
    let mut child = desk.spawn(&RUN);
    assert!(booked(&sandbox, 10, &mut child), "it ended too early");
    child.kill().unwrap();
    child.wait().unwrap();
    let served = Served::start(&desk, &[]);
    until("the batch is finished", || served.metric("payout_batches{state=\"finished\"}") == 1);
    assert!(served.metric("payout_store_transitions_total") > 0);
    compare(&sandbox, &desk.report(&["june"]));
}

#[test]
fn a_batch_that_a_living_runner_has_in_hand_is_left_to_it() {
    let Some(database) = database() else { return };
    let sandbox = slow_sandbox();
    let desk = desk(&sandbox, &database);
    let mut child = desk.spawn(&[&RUN[..], &["--rate", "40"]].concat());
    assert!(booked(&sandbox, 5, &mut child), "it ended too early");
    let served = Served::start(&desk, &[]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(served.metric("payout_store_transitions_total"), 0);
    compare(&sandbox, &desk.report(&["june"]));
}
