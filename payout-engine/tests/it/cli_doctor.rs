//! `payout doctor`: each ailment has its line and its exit code, and no secret is told.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::thread;

use kess_sandbox::Sandbox;
use serde_json::Value;

use crate::command::{Desk, Ended, row};

/// The status and message of a check.
#[track_caller]
fn check(document: &Value, name: &str) -> (String, String) {
    let checks = document["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["check"] == name);
    let check = check.unwrap_or_else(|| panic!("no check `{name}`: {document}"));
    assert_eq!(check["status"] == "ok", check["hint"].is_null(), "{check}");
    let text = |key: &str| check[key].as_str().unwrap().to_owned();
    (text("status"), text("message"))
}

fn doctor(desk: &Desk) -> Ended {
    desk.payout(&["doctor", "--json"])
}

#[test]
fn where_all_is_well_it_says_so_and_makes_nothing() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    let document = doctor(&desk).expect(0).json();
    for name in ["configuration", "public key", "store", "gateway", "clock", "credentials"] {
        assert_eq!(check(&document, name).0, "ok", "{name}: {document}");
    }
    let (status, wallets) = check(&document, "wallets");
    assert!(status == "ok" && wallets.contains("USD"), "{wallets}");
    assert!(!desk.path("payout.db").exists());
    assert!(sandbox.ledger().rows.is_empty());
    let text = desk.payout(&["doctor"]).expect(0).stdout;
    assert!(text.lines().all(|line| line.starts_with("ok ")), "{text}");
}

#[test]
fn a_configuration_that_lacks_something_or_cannot_be_read_is_exit_2() {
    let sandbox = Sandbox::start().unwrap();
    let mut desk = Desk::at(&sandbox);
    desk.set("KESS_PASSWORD", "");
    let document = doctor(&desk).expect(2).json();
    let (status, message) = check(&document, "configuration");
    assert!(status == "fail" && message.contains("KESS_PASSWORD"), "{message}");
    desk.set("KESS_PUBLIC_KEY", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----");
    let document = doctor(&desk).expect(2).json();
    assert_eq!(check(&document, "public key").0, "fail");
    desk.write("payout.toml", "[gateway\npassword = 'hunter2'");
    let ended = doctor(&desk).expect(2);
    assert!(!ended.stdout.contains("hunter2"), "{}", ended.stdout);
    assert_eq!(check(&ended.json(), "configuration").0, "fail");
}

#[test]
fn credentials_that_are_refused_are_exit_6_and_stay_secret() {
    let sandbox = Sandbox::start().unwrap();
    let mut desk = Desk::at(&sandbox);
    desk.set("KESS_PASSWORD", "hunter2-mistyped");
    let ended = desk.payout(&["doctor", "--json", "-vvv"]).expect(6);
    let document = ended.json();
    assert_eq!(check(&document, "gateway").0, "ok");
    assert_eq!(check(&document, "credentials").0, "fail");
    let told = format!("{}{}", ended.stdout, ended.stderr);
    let access = sandbox.credentials();
    for secret in ["hunter2-mistyped", &access.client_secret, &access.api_secret] {
        assert!(!told.contains(secret), "a secret is told");
    }
}

#[test]
fn a_gateway_that_is_not_there_is_exit_6() {
    let sandbox = Sandbox::start().unwrap();
    let mut desk = Desk::at(&sandbox);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    desk.set("KESS_BASE_URL", &format!("http://{free}"));
    let document = doctor(&desk).expect(6).json();
    assert_eq!(check(&document, "gateway").0, "fail");
}

#[test]
fn a_clock_that_differs_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let sandbox = Sandbox::start().unwrap();
    let mut desk = Desk::at(&sandbox);
    desk.set("KESS_BASE_URL", &format!("http://{}", listener.local_addr().unwrap()));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\
                          Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let document = doctor(&desk).expect(2).json();
    let (status, message) = check(&document, "clock");
    assert!(status == "fail" && message.contains("ahead of"), "{message}");
    assert_eq!(check(&document, "credentials").0, "fail");
}

#[test]
fn the_store_is_looked_at() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &[row(1, "0777")]);
    let mut run = desk.spawn(&["run", "june.csv", "--yes", "--otp", "wait", "--progress", "lines"]);
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map(Result::unwrap);
    // From here on the run waits, and holds the lock.
    assert!(lines.any(|line| line.contains("enter the OTP")));
    let document = doctor(&desk).expect(0).json();
    let (status, holder) = check(&document, "store's lock");
    assert!(status == "warn" && holder.contains(&run.id().to_string()), "{holder}");
    run.kill().unwrap();
    run.wait().unwrap();

    fs::set_permissions(desk.path("payout.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let document = doctor(&desk).expect(0).json();
    assert_eq!(check(&document, "store's lock").0, "ok", "{document}");
    assert_eq!(check(&document, "store's privacy").0, "warn");
    let (_, store) = check(&document, "store");
    assert!(store.contains("1 batch, 1 of them unfinished"), "{store}");
}
