//! `payout init`: what it writes is in order, private, and never in place of anything.

use std::fs;

use serde_json::json;

use crate::command::{Desk, mode};

fn empty_desk() -> Desk {
    let desk = Desk::new();
    fs::remove_file(desk.path("payout.toml")).unwrap();
    desk
}

#[test]
fn what_it_writes_is_accepted_by_the_command() {
    let desk = empty_desk();
    let document = desk.payout(&["init", "--json"]).expect(0).json();
    assert_eq!(document["written"], json!(["payout.toml", "payout-template.csv"]));
    for file in ["payout.toml", "payout-template.csv"] {
        assert_eq!(mode(&desk.path(file)), 0o600, "{file}");
    }
    let checked = desk.payout(&["check", "payout-template.csv", "--json"]).expect(0).json();
    assert_eq!((&checked["rows"], &checked["valid"]), (&json!(2), &json!(2)));
    assert_eq!(checked["warnings"], json!([]));
}

#[test]
fn every_setting_that_it_shows_is_one_that_is_read() {
    let desk = empty_desk();
    desk.payout(&["init"]).expect(0);
    let text = fs::read_to_string(desk.path("payout.toml")).unwrap();
    let is_setting =
        |line: &str| line.strip_prefix('#').is_some_and(|it| it.starts_with(char::is_alphabetic));
    assert!(text.lines().filter(|line| is_setting(line)).count() > 10);
    let live: Vec<_> =
        text.lines().map(|line| if is_setting(line) { &line[1..] } else { line }).collect();
    desk.write("payout.toml", &live.join("\n"));
    desk.payout(&["check", "payout-template.csv"]).expect(0);
    // The reader refuses a name that it does not know, so the line above says something.
    desk.write("payout.toml", &live.join("\n").replace("settle =", "settel ="));
    desk.payout(&["check", "payout-template.csv"]).expect(2);
}

#[test]
fn nothing_is_overwritten() {
    let desk = Desk::new();
    let before = fs::read_to_string(desk.path("payout.toml")).unwrap();
    let document = desk.payout(&["init", "--json"]).expect(0).json();
    assert_eq!(document, json!({ "written": ["payout-template.csv"], "kept": ["payout.toml"] }));
    assert_eq!(fs::read_to_string(desk.path("payout.toml")).unwrap(), before);
    desk.write("payout-template.csv", "mine");
    let again = desk.payout(&["init"]).expect(0);
    assert!(again.stdout.contains("left as it is"), "{}", again.stdout);
    assert_eq!(fs::read_to_string(desk.path("payout-template.csv")).unwrap(), "mine");
}
