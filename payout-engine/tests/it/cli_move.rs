//! `payout move` and `payout archive`: a batch goes on elsewhere, nobody is paid twice, nobody is
//! forgotten.

use std::fs;

use serde_json::{Value, json};

use crate::cli_kill::{booked, compare, slow_sandbox};
use crate::command::{Desk, counts, rows, signal};

const ROWS: u32 = 60;
const MOVE: [&str; 6] = ["move", "june", "--to", "sqlite://other.db", "--yes", "--json"];
const THERE: [&str; 2] = ["--store", "sqlite://other.db"];

fn sandbox_and_desk() -> (kess_sandbox::Sandbox, Desk) {
    let sandbox = slow_sandbox();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(ROWS));
    (sandbox, desk)
}

/// Kills a run of batch june once so many orders are booked.
fn kill_at(desk: &Desk, sandbox: &kess_sandbox::Sandbox, orders: usize) {
    let run = ["run", "june.csv", "--yes", "--batch", "june", "--concurrency", "4"];
    let mut child = desk.spawn(&run);
    assert!(booked(sandbox, orders, &mut child), "it ended too early");
    child.kill().unwrap();
    child.wait().unwrap();
}

fn with(args: &[&'static str], more: &[&'static str]) -> Vec<&'static str> {
    [args, more].concat()
}

#[test]
fn a_half_run_batch_goes_on_in_the_other_store_and_nowhere_else() {
    let (sandbox, desk) = sandbox_and_desk();
    kill_at(&desk, &sandbox, 20);
    let moved = desk.payout(&MOVE).expect(0).json();
    assert_eq!(moved["batches"][0]["state"], "stopped");
    let orders = sandbox.ledger().rows.len();

    for command in [
        vec!["resume", "june"],
        vec!["cancel", "june", "--yes"],
        vec!["pause", "june"],
        vec!["purge", "june", "--yes"],
        vec!["retry", "june", "--yes"],
    ] {
        let refused = desk.payout(&command);
        assert_ne!(refused.code, Some(0), "{command:?}");
    }
    let refused = desk.payout(&["resume", "june"]).expect(1);
    assert!(refused.stderr.contains("was moved to sqlite://"), "{}", refused.stderr);
    assert!(refused.stderr.contains("other.db"), "{}", refused.stderr);
    let list = desk.payout(&["list"]).expect(0).stdout;
    assert!(list.contains("moved to sqlite://") && list.contains("other.db"), "{list}");
    desk.payout(&["resume"]).expect(2);
    // What it pays is known here, too.
    desk.payout(&["run", "june.csv", "--yes", "--batch", "july"]).expect(3);

    let document = desk.payout(&with(&["resume", "june", "--json"], &THERE)).expect(0).json();
    assert_eq!(counts(&document), [("paid".to_owned(), u64::from(ROWS))]);
    assert!(sandbox.ledger().rows.len() > orders);
    compare(&sandbox, &desk.report(&with(&["june"], &THERE)));
    desk.payout(&["audit", "june"]).expect(0);
    let head = moved["batches"][0]["head"].as_str().unwrap().to_owned();
    let audit = [&["audit", "june", "--head", &head][..], &THERE].concat();
    desk.payout(&audit).expect(0);
    assert_eq!(desk.payout(&MOVE).expect(0).json()["batches"][0]["was_there"], true);
}

#[test]
fn a_store_that_lost_the_batch_again_asks_about_every_order_before_it_sends() {
    let (sandbox, desk) = sandbox_and_desk();
    kill_at(&desk, &sandbox, 10);
    desk.payout(&MOVE).expect(0);
    desk.payout(&with(&["resume", "june"], &THERE)).expect(0);
    // The other machine is set back to before the batch came.
    for file in ["other.db", "other.db.lock", "other.db.witness"] {
        fs::remove_file(desk.path(file)).unwrap();
    }
    let again = desk.payout(&MOVE).expect(0).json();
    assert_eq!(again["batches"][0]["was_there"], false);
    let resumed = desk.payout(&with(&["resume", "june", "--log-format", "json"], &THERE)).expect(0);
    assert!(resumed.stderr.contains("\"event\":\"restored\""), "{}", resumed.stderr);
    compare(&sandbox, &desk.report(&with(&["june"], &THERE)));
}

#[test]
fn finished_batches_go_to_an_archive_and_their_people_with_them() {
    let (sandbox, desk) = sandbox_and_desk();
    desk.payout(&["run", "june.csv", "--yes", "--batch", "june"]).expect(0);
    desk.write_rows("july.csv", &[crate::command::row(900, "1234")]);
    desk.payout(&["run", "july.csv", "--yes", "--batch", "july"]).expect(0);
    let archive = |age: &'static str| {
        let to = ["archive", "--to", "sqlite://archive.db", "--yes", "--json", "--older-than", age];
        desk.payout(&to).expect(0).json()["batches"].as_array().unwrap().clone()
    };
    assert_eq!(archive("1d"), Vec::<Value>::new());
    let archived = archive("0d");
    assert_eq!(archived.len(), 2, "{archived:?}");
    assert_eq!(
        (&archived[0]["batch"], &archived[0]["state"]),
        (&json!("june"), &json!("finished"))
    );
    assert_eq!(archive("0d"), Vec::<Value>::new(), "done is done");

    let here = fs::read(desk.path("payout.db")).unwrap();
    assert!(!String::from_utf8_lossy(&here).contains("dara.3@example.com"));
    let there = ["june", "july"].map(|name| desk.report(&[name, "--store", "sqlite://archive.db"]));
    compare(&sandbox, &there.concat());
    for store in ["sqlite://payout.db", "sqlite://archive.db"] {
        desk.payout(&["audit", "--all", "--store", store]).expect(0);
    }
    desk.payout(&["run", "june.csv", "--yes", "--batch", "again"]).expect(3);
    let list = desk.payout(&["list", "--json"]).expect(0).json();
    for batch in list["batches"].as_array().unwrap() {
        assert!(batch["purged_at"].is_string(), "{batch}");
        assert!(batch["moved_to"].as_str().unwrap().ends_with("archive.db"), "{batch}");
    }
}

#[test]
fn old_batches_are_purged_by_age_and_everything_is_moved_at_once() {
    let (_sandbox, desk) = sandbox_and_desk();
    desk.payout(&["run", "june.csv", "--yes", "--batch", "june"]).expect(0);
    let purge = |age: &'static str| {
        let purge = ["purge", "--older-than", age, "--yes", "--json"];
        desk.payout(&purge).expect(0).json()["batches"].as_array().unwrap().len()
    };
    assert_eq!((purge("1d"), purge("0d"), purge("0d")), (0, 1, 0));
    let all = ["move", "--all", "--from", "sqlite://payout.db", "--to", "sqlite://other.db"];
    let unasked = desk.payout(&all).expect(2);
    assert!(unasked.stderr.contains("--yes"), "{}", unasked.stderr);
    let text = desk.payout(&with(&all, &["--yes"])).expect(0).stdout;
    assert!(text.contains("batch june is in sqlite://"), "{text}");
    desk.payout(&with(&["audit", "june"], &THERE)).expect(0);
}

#[test]
fn a_half_run_batch_goes_to_a_database_where_workers_finish_it_and_back_to_an_archive() {
    let Some(database) = crate::postgres::database() else { return };
    let (sandbox, mut desk) = sandbox_and_desk();
    desk.set("PAYOUT_STATE_DIR", desk.path("state").to_str().unwrap());
    kill_at(&desk, &sandbox, 20);
    let there = ["--store", &database.url];
    let to = format!("{}&password=hunter2", database.url);
    let moved = desk.payout(&["move", "june", "--to", &to, "--yes"]).expect(0);
    assert!(moved.stdout.contains("go on: payout resume june --store"), "{}", moved.stdout);
    for text in [&moved.stdout, &moved.stderr, &desk.payout(&["list", "--json"]).stdout] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    let orders = sandbox.ledger().rows.len();
    let mut worker = desk.spawn(&[&["worker"][..], &there].concat());
    let document = desk.payout(&[&["resume", "june", "--json"][..], &there].concat()).expect(0);
    assert_eq!(counts(&document.json()), [("paid".to_owned(), u64::from(ROWS))]);
    signal(&worker, "TERM");
    assert_eq!(worker.wait().unwrap().code(), Some(0));
    assert!(sandbox.ledger().rows.len() > orders);
    compare(&sandbox, &desk.report(&[&["june"][..], &there].concat()));
    let archive = ["archive", "june", "--to", "sqlite://archive.db", "--yes"];
    desk.payout(&[&archive[..], &there].concat()).expect(0);
    compare(&sandbox, &desk.report(&["june", "--store", "sqlite://archive.db"]));
    for store in ["sqlite://payout.db", &database.url, "sqlite://archive.db"] {
        desk.payout(&["audit", "june", "--store", store]).expect(0);
    }
}
