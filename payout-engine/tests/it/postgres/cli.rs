//! The command on a database: a rehearsal from its file to the audit, and no word of a password.

use crate::command::{Desk, row};

use super::server::database;

#[test]
fn a_payroll_goes_from_its_file_to_the_audit_and_no_password_is_told() {
    let Some(database) = database() else { return };
    let mut desk = Desk::new();
    desk.set("PAYOUT_STATE_DIR", desk.path("state").to_str().unwrap());
    let store = format!("{}&password=hunter2", database.url);
    desk.write_rows("june.csv", &[row(1, "1234"), row(2, "0404"), row(3, "0777")]);
    let at = |args: &[&str]| {
        let ended = desk.payout(&[args, &["--sandbox", "--store", &store]].concat());
        for text in [&ended.stdout, &ended.stderr] {
            assert!(!text.contains("hunter2"), "{text}");
        }
        ended
    };
    let run = at(&["run", "june.csv", "--yes", "--batch", "june"]).expect(5);
    assert!(run.stdout.contains("--store 'postgres:///"), "{}", run.stdout);
    assert!(at(&["status"]).expect(0).stdout.contains("june"));
    assert!(at(&["list"]).expect(0).stdout.contains("june"));
    assert_eq!(at(&["audit", "--json"]).expect(0).json()["intact"], true);
    let noted = std::fs::read_dir(desk.path("state")).unwrap().count();
    assert_eq!(noted, 1, "what was seen of the batch is noted on this machine");
    at(&["run", "june.csv", "--yes", "--batch", "june"]).expect(3);

    desk.set("PAYOUT_STORE", &store);
    let doctor = desk.payout(&["doctor", "--json"]);
    assert!(!format!("{}{}", doctor.stdout, doctor.stderr).contains("hunter2"));
    let document = doctor.json();
    let checks = document["checks"].as_array().unwrap();
    for name in ["store", "store's durability", "store's privacy", "store's witness"] {
        let check = checks.iter().find(|check| check["check"] == name).unwrap();
        assert_eq!(check["status"], "ok", "{check}");
    }
    desk.set("PAYOUT_STORE", "postgres://payout:hunter2@127.0.0.1:1/nowhere");
    let doctor = desk.payout(&["doctor", "--json"]);
    let document = doctor.json();
    let checks = document["checks"].as_array().unwrap();
    let store = checks.iter().find(|check| check["check"] == "store").unwrap();
    assert_eq!(store["status"], "fail", "{store}");
    assert!(!doctor.stdout.contains("hunter2"), "{}", doctor.stdout);
}
