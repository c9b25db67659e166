//! `--log-format json`: every line of stderr is an object, from the first to the last, and says no
//! more than the text does.

use std::io::{BufRead, BufReader, Read};

use jiff::Timestamp;
use kess_sandbox::Sandbox;
use serde_json::Value;

use crate::cli_kill::{booked, compare, slow_sandbox};
use crate::command::{Desk, Ended, row, rows, signal};

/// Every line of stderr, read.
#[track_caller]
fn lines(ended: &Ended) -> Vec<Value> {
    let line = |text: &str| -> Value {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    let lines: Vec<_> = ended.stderr.lines().map(line).collect();
    for line in &lines {
        let time: Result<Timestamp, _> = line["time"].as_str().unwrap().parse();
        assert!(time.is_ok(), "{line}");
        let level = line["level"].as_str().unwrap();
        assert!(["error", "warn", "info", "debug", "trace"].contains(&level), "{line}");
        assert!(!line["message"].as_str().unwrap().is_empty(), "{line}");
    }
    lines
}

/// The lines about one kind of event, all of which are of batch june.
#[track_caller]
fn events<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    let found: Vec<_> = lines.iter().filter(|line| line["event"] == event).collect();
    assert!(!found.is_empty(), "no `{event}` in {lines:#?}");
    assert!(found.iter().all(|line| line["batch"] == "june"), "{found:?}");
    found
}

#[test]
fn a_whole_run_is_lines_of_json_without_links_or_people() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    let mut file = rows(20);
    file.extend([row(21, "0404"), row(22, "0777")]);
    desk.write_rows("june.csv", &file);
    let run = ["run", "june.csv", "--yes", "--batch", "june", "--log-format", "json", "-vvv"];
    let ended = desk.payout(&run).expect(5);
    let lines = lines(&ended);
    assert_eq!(events(&lines, "started")[0]["rows"], 22);
    let failed = events(&lines, "row");
    assert_eq!(failed.len(), 1, "rows that are paid are counted, not told: {failed:?}");
    assert_eq!((&failed[0]["row"], &failed[0]["reference"]), (&21.into(), &"P-0021".into()));
    assert_eq!((&failed[0]["level"], &failed[0]["outcome"]), (&"warn".into(), &"failed".into()));
    assert!(failed[0]["code"].is_string(), "{failed:?}");
    let otp = events(&lines, "otp_required");
    assert_eq!(otp[0]["reference"], "P-0022");
    assert!(otp[0]["expires_at"].as_str().unwrap().parse::<Timestamp>().is_ok(), "{otp:?}");
    let end = events(&lines, "ended");
    assert_eq!((&end[0]["counts"]["paid"], &end[0]["paid"]["USD"]), (&20.into(), &"212.10".into()));
    assert!(lines.iter().any(|line| line["within"].is_string()), "the libraries log here, too");

    let report = desk.report(&["june"]);
    let link = report[21]["otp_url"].as_str().unwrap();
    let access = sandbox.credentials();
    let secret = [&access.client_secret, &access.password, &access.api_secret];
    let personal = ["dara.1@example.com", "012345678", "000011234", "0040400", "Dara", "Sok"];
    for text in secret.map(String::as_str).iter().chain(&personal).chain([&link]) {
        assert!(!ended.stderr.contains(text), "{text} is in the log");
    }
    assert!(ended.stdout.contains("batch june: 22 rows"), "{}", ended.stdout);
}

#[test]
fn a_worker_says_of_which_batch_it_speaks_and_ends_when_it_is_told_to() {
    let sandbox = slow_sandbox();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(40));
    let run = ["run", "june.csv", "--yes", "--batch", "june", "--concurrency", "4"];
    let mut child = desk.spawn(&run);
    assert!(booked(&sandbox, 5, &mut child), "it ended too early");
    child.kill().unwrap();
    child.wait().unwrap();
    let mut worker = desk.spawn(&["worker", "--log-format", "json"]);
    let mut stderr = String::new();
    let mut told = BufReader::new(worker.stderr.take().unwrap());
    while !stderr.contains("\"event\":\"ended\"") {
        assert_ne!(told.read_line(&mut stderr).unwrap(), 0, "it ended too early: {stderr}");
    }
    signal(&worker, "TERM");
    told.read_to_string(&mut stderr).unwrap();
    assert_eq!(worker.wait().unwrap().code(), Some(0));
    let lines = lines(&Ended { code: None, stdout: String::new(), stderr });
    assert_eq!(events(&lines, "ended")[0]["counts"]["paid"], 40);
    let parts: Vec<_> = lines.iter().filter(|line| line["event"].is_null()).collect();
    assert!(parts.iter().any(|line| line["batch"] == "june"), "{parts:?}");
    compare(&sandbox, &desk.report(&["june"]));
}

#[test]
fn what_goes_wrong_is_a_line_of_json_too() {
    let sandbox = Sandbox::start().unwrap();
    let mut desk = Desk::at(&sandbox);
    desk.set("PAYOUT_LOG_FORMAT", "json");
    let bad = row(2, "1234").replace("2.02", "2,02x");
    desk.write_rows("june.csv", &[row(1, "1234"), bad, row(3, "12E+4")]);

    let refused = desk.payout(&["run", "june.csv", "--yes"]).expect(3);
    let refused = lines(&refused);
    let last = refused.last().unwrap();
    assert_eq!((&last["level"], &last["exit"]), (&"error".into(), &3.into()));
    assert!(last["hint"].as_str().unwrap().contains("--skip-invalid"), "{last}");
    assert!(!format!("{refused:?}").contains("12E+4"), "what stands in the file is for `check`");

    // Nobody can be asked where programs read.
    desk.write_rows("june.csv", &rows(2));
    let unasked = desk.payout(&["run", "june.csv"]).expect(2);
    assert!(lines(&unasked)[0]["hint"].as_str().unwrap().contains("--yes"));

    desk.set("KESS_PASSWORD", "wrong");
    let stopped = desk.payout(&["run", "june.csv", "--yes", "--batch", "june", "-q"]).expect(6);
    let stopped = lines(&stopped);
    assert_eq!(events(&stopped, "stopped")[0]["code"], "credentials");
    assert!(stopped.iter().all(|line| line["level"] == "error"), "-q: {stopped:?}");
}
