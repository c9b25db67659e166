//! The disk is full, the store cannot be written, somebody else looks at it: the command says so,
//! and nothing is forgotten.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use kess_sandbox::Sandbox;
use payout_engine::SqliteStore;
use tempfile::TempDir;

use crate::cli_kill::compare;
use crate::command::{Desk, counts, rows};

const ROWS: u32 = 200;

/// Runs what follows with files of at most so many half kilobytes, as on a disk with no more room.
fn with_room_for(half_kilobytes: u32) -> String {
    format!("trap '' XFSZ; ulimit -f {half_kilobytes}; exec \"$0\" \"$@\"")
}

#[test]
fn a_disk_that_fills_up_in_mid_batch_stops_it_and_resume_goes_on() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(ROWS));
    let room = with_room_for(2_048);
    let run = ["run", "june.csv", "--yes", "--batch", "june", "--concurrency", "2"];
    let ended = desk.payout_under(&["/bin/sh", "-c", &room], &run).expect(1);
    assert!(ended.stderr.contains("store"), "{}", ended.stderr);

    let booked = sandbox.ledger();
    assert!(!booked.rows.is_empty(), "the disk was full before anything was sent");
    assert!(booked.rows.len() < ROWS as usize, "the disk never filled up");
    let known = desk.report(&["june"]);
    for order in &booked.rows {
        let number = order.out_trade_no.as_str();
        assert!(known.iter().any(|row| row["out_trade_no"] == number), "{number} has no intent");
    }

    let document = desk.payout(&["resume", "june", "--json"]).expect(0).json();
    assert_eq!(counts(&document), [("paid".to_owned(), u64::from(ROWS))]);
    compare(&sandbox, &desk.report(&["june"]));
    desk.payout(&["audit", "june"]).expect(0);
}

#[test]
fn a_disk_that_is_full_from_the_start_sends_nothing() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(2_000));
    let room = with_room_for(300);
    let run = ["run", "june.csv", "--yes", "--batch", "june"];
    desk.payout_under(&["/bin/sh", "-c", &room], &run).expect(1);
    assert!(sandbox.ledger().rows.is_empty());
    // What was half loaded is in nobody's way.
    desk.write_rows("june.csv", &rows(20));
    desk.payout(&run).expect(0);
    compare(&sandbox, &desk.report(&["june"]));
}

/// Whether this process has a lock on the file. Locks of POSIX show in no other way to those who
/// have them.
#[cfg(target_os = "linux")]
fn is_locked(path: &Path) -> bool {
    let (inode, process) = (fs::metadata(path).unwrap().ino(), std::process::id());
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let (process, file) = (format!(" {process} "), format!(":{inode} "));
    locks.lines().any(|lock| lock.contains(&process) && lock.contains(&file))
}

/// Without its locks another process would take itself for the last one that has the store open,
/// and remove the write-ahead log under whoever works on it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_look_at_a_store_takes_no_lock_away_from_whoever_works_on_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("payout.db");
    let works = SqliteStore::open(&path).await.unwrap();
    assert!(is_locked(&path), "nothing to take away");
    let looks = SqliteStore::open(&path).await.unwrap();
    assert!(is_locked(&path));
    drop((works, looks));
}

/// Without the right of root to write whatever it wants.
fn as_an_ordinary_user() -> Vec<&'static str> {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout.trim_ascii() == b"0" {
        vec!["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]
    } else {
        vec!["/usr/bin/env"]
    }
}

#[test]
fn a_store_that_cannot_be_written_is_named_and_nothing_is_sent() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(3));
    fs::create_dir(desk.path("safe")).unwrap();
    let store = ["--store", "sqlite://safe/payout.db"];
    desk.payout(&[&["run", "june.csv", "--yes", "--batch", "june"], &store[..]].concat()).expect(0);
    desk.write_rows(
        "july.csv",
        &["P-9001,Dara,Sok,012345678,dara@example.com,0019001234,ABAAKHPP,\
         5.00,USD"
            .to_owned()],
    );
    let folder = desk.path("safe");
    for entry in fs::read_dir(&folder).unwrap() {
        fs::set_permissions(entry.unwrap().path(), Permissions::from_mode(0o400)).unwrap();
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o500)).unwrap();
    let user = as_an_ordinary_user();
    for args in
        [&["run", "july.csv", "--yes"][..], &["resume", "june"], &["retry", "june", "--yes"]]
    {
        let ended = desk.payout_under(&user, &[args, &store[..]].concat());
        assert!(matches!(ended.code, Some(1 | 2)), "{args:?}: {:?} {}", ended.code, ended.stderr);
        assert!(ended.stderr.contains("payout.db"), "{args:?}: {}", ended.stderr);
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    assert_eq!(sandbox.ledger().rows.len(), 3, "nothing was sent after the store went shut");
}
