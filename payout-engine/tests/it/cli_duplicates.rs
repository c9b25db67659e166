//! The same payouts in two batches: what `payout run` refuses, what it says, what it lets pass.

use kess_sandbox::Sandbox;

use crate::command::{Desk, Ended, row, rows};

/// A desk with a batch `june` of three rows that was loaded, and nothing of it paid: the gateway
/// refused the credentials.
fn unpaid(sandbox: &Sandbox) -> Desk {
    let mut desk = Desk::at(sandbox);
    desk.write_rows("june.csv", &rows(3));
    let right = sandbox.credentials().client_secret.clone();
    desk.set("KESS_CLIENT_SECRET", "wrong");
    desk.payout(&["run", "june.csv", "--yes", "--batch", "june"]).expect(6);
    desk.set("KESS_CLIENT_SECRET", &right);
    desk
}

fn run(desk: &Desk, file: &str, more: &[&str]) -> Ended {
    desk.payout(&[&["run", file, "--yes"], more].concat())
}

#[track_caller]
fn says(ended: &Ended, texts: &[&str]) {
    for text in texts {
        assert!(ended.stderr.contains(text), "{text:?} is not in {}", ended.stderr);
    }
}

#[test]
fn the_same_file_again_under_another_name_and_order_while_the_first_is_unpaid() {
    let sandbox = Sandbox::start().unwrap();
    let desk = unpaid(&sandbox);
    let mut turned = rows(3);
    turned.reverse();
    desk.write_rows("copy.csv", &turned);
    let refused = run(&desk, "copy.csv", &[]).expect(3);
    says(&refused, &["this is batch june again", "P-0001: pending as row 1", "payout resume"]);
    desk.write_rows("part.csv", &[row(1, "1234"), row(7, "1234")]);
    says(&run(&desk, "part.csv", &[]).expect(3), &["1 row of batch june again"]);
    assert!(sandbox.ledger().rows.is_empty());
}

#[test]
fn a_reference_with_other_contents_is_refused_unless_a_reason_is_given() {
    let sandbox = Sandbox::start().unwrap();
    let desk = unpaid(&sandbox);
    let other = row(2, "1234").replace("2.02", "3.00").replace("ABAAKHPP", "WING");
    desk.write_rows("july.csv", &[other, row(8, "1234")]);
    let refused = run(&desk, "july.csv", &[]).expect(3);
    let differs = "P-0002: pending as row 2 of batch june, there with another bic and amount";
    says(&refused, &["1 row with a reference of batch june and other contents", differs]);
    assert!(!refused.stderr.contains("0021234"), "an account is shown");
    let allowed = ["--allow-duplicate", "the office counts anew each month", "--batch", "july"];
    run(&desk, "july.csv", &allowed).expect(0);
    assert_eq!(sandbox.ledger().rows.len(), 2);
    // What was paid meanwhile is held in the batch that came first.
    let resumed = desk.payout(&["resume", "june", "--json"]).expect(4).json();
    assert_eq!((&resumed["counts"]["paid"], &resumed["counts"]["held"]), (&2.into(), &1.into()));
}

#[test]
fn a_dry_run_and_rows_that_were_given_up_stand_in_nobodys_way() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &[row(1, "1234"), row(2, "0404")]);
    run(&desk, "june.csv", &["--dry-run"]);
    run(&desk, "june.csv", &["--batch", "june"]).expect(4);
    desk.write_rows("again.csv", &[row(2, "1234")]);
    run(&desk, "again.csv", &[]).expect(0);
}

#[test]
fn a_payroll_under_new_references_is_a_warning() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(3));
    run(&desk, "june.csv", &["--batch", "june"]).expect(0);
    let mut renumbered: Vec<_> = rows(3).iter().map(|row| row.replace("P-", "Q-")).collect();
    renumbered.reverse();
    desk.write_rows("again.csv", &renumbered);
    let warned = run(&desk, "again.csv", &["--batch", "again"]).expect(0);
    says(&warned, &["batch june pays the same accounts the same amounts"]);
    let other = rows(3).into_iter().map(|row| row.replace("P-", "R-").replace("1.01", "1.02"));
    desk.write_rows("other.csv", &other.collect::<Vec<_>>());
    let quiet = run(&desk, "other.csv", &["--batch", "other"]).expect(0);
    assert!(!quiet.stderr.contains("same accounts"), "{}", quiet.stderr);
}

#[test]
fn after_a_purge_amounts_are_compared_and_accounts_are_not() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(2));
    run(&desk, "june.csv", &["--batch", "june"]).expect(0);
    desk.payout(&["purge", "june", "--yes"]).expect(0);
    desk.write_rows("again.csv", &[row(1, "5678"), row(2, "1234").replace("2.02", "2.03")]);
    let refused = run(&desk, "again.csv", &[]).expect(3);
    says(&refused, &["P-0001: paid as row 1 of batch june\n", "there with another amount"]);
}

#[test]
fn rows_that_are_skipped_do_not_end_the_search() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &[row(1, "1234")]);
    run(&desk, "june.csv", &["--batch", "june"]).expect(0);
    let mut many = vec!["x".to_owned(); 1_200];
    many.push(row(1, "1234"));
    desk.write_rows("again.csv", &many);
    let refused = run(&desk, "again.csv", &["--skip-invalid"]).expect(3);
    says(&refused, &["P-0001: paid as row 1 of batch june"]);
}
