//! `payout report --retriable`: the rows that are safe to send again, as a file that `run` takes.

use kess_sandbox::Sandbox;

use crate::command::{Desk, HEADING, counts, mode, row};

fn cells(text: &str) -> Vec<Vec<String>> {
    let text = text.strip_prefix('\u{feff}').unwrap();
    let reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let lines = reader.into_records().map(Result::unwrap);
    lines.map(|line| line.iter().map(str::to_owned).collect()).collect()
}

#[test]
fn what_failed_is_corrected_and_paid_once() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    let extra = [("=1+1", "000777"), ("+855 \"x\"", "a,b"), ("-", "é ខ"), ("", "\t=x")];
    let rows = [row(1, "1234"), row(2, "0777"), row(3, "0400"), row(4, "0410")];
    let rows = rows
        .iter()
        .zip(extra)
        .map(|(row, (note, code))| format!("{row},\"{}\",\"{code}\"\n", note.replace('"', "\"\"")));
    let rows: Vec<_> = rows.collect();
    desk.write("june.csv", &format!("{HEADING},Note,Code\n{}", rows.concat()));
    desk.payout(&["run", "june.csv", "--yes", "--batch", "june"]).expect(5);

    desk.payout(&["report", "june", "--retriable", "-o", "again.csv"]).expect(0);
    assert_eq!(mode(&desk.path("again.csv")), 0o600);
    let again = std::fs::read_to_string(desk.path("again.csv")).unwrap();
    let lines = cells(&again);
    assert_eq!(lines.len(), 3, "one is paid, one waits for its password: {again}");
    let mut original = cells(&format!("\u{feff}{}", rows.concat()));
    for (line, original) in lines[1..].iter().zip(original.drain(2..)) {
        assert_eq!(line[..9], original[..9]);
        assert_eq!(line[14..16], original[9..], "extra columns come back as they were");
        assert_eq!(line[16], "june");
    }
    assert_eq!((lines[1][17].as_str(), lines[2][17].as_str()), ("failed", "expired"));
    assert!(!lines[1][18].is_empty() && !lines[1][19].is_empty(), "{again}");

    // The account is corrected; as it is, both rows are accepted.
    desk.payout(&["check", "again.csv"]).expect(0);
    desk.write("again.csv", &again.replace("000030400", "000031234"));
    let run = ["run", "again.csv", "--yes", "--batch", "again", "--json"];
    let document = desk.payout(&run).expect(4).json();
    assert_eq!(counts(&document), [("expired".to_owned(), 1), ("paid".to_owned(), 1)]);

    // What was paid from the new file is paid no more from the old one, by file or by retry.
    let left = desk.payout(&["report", "june", "--retriable"]).expect(0);
    assert!(left.stderr.contains("1 row left out"), "{}", left.stderr);
    assert_eq!(cells(&left.stdout).len(), 2);
    desk.payout(&["retry", "june", "--yes"]).expect(5);
    let ledger = sandbox.ledger().rows;
    let paid =
        ledger.iter().filter(|row| row.amount.to_string() == "3.03" && row.status == "SUCCESS");
    assert_eq!(paid.count(), 1, "{ledger:?}");

    // A file made from such a file does not grow.
    let third = cells(&desk.payout(&["report", "again", "--retriable"]).expect(0).stdout);
    assert_eq!(third[0], lines[0]);
    assert_eq!(third[1][16], "again");
}

#[test]
fn where_nothing_may_be_sent_again_the_file_has_no_rows() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &[row(1, "1234"), row(2, "0412"), row(3, "0778")]);
    desk.payout(&["run", "june.csv", "--yes", "--batch", "june"]).expect(5);
    desk.payout(&["reject", "june", "P-0002", "--reason", "left the company"]).expect(0);
    let ended = desk.payout(&["report", "--retriable"]).expect(0);
    assert_eq!(cells(&ended.stdout).len(), 1);
    assert!(ended.stderr.contains("no row of batch june is safe"), "{}", ended.stderr);
    desk.payout(&["report", "--retriable", "--json"]).expect(2);
    desk.payout(&["report", "--retriable", "--format", "html"]).expect(2);
}
