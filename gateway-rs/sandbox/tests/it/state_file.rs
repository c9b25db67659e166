//! What a sandbox keeps across the death of its process.

use kess_sandbox::Sandbox;
use serde_json::json;

use crate::raw::Raw;

#[tokio::test]
async fn a_new_process_takes_up_where_the_old_one_died() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sandbox.state");
    let first = Sandbox::builder().state_file(&file).start().unwrap();
    let mut raw = Raw::login(&first).await;
    let token = raw.bank_token("000120777").await;
    raw.call("withdraw", raw.withdrawal(&token, "WD-1")).await.data();
    raw.withdraw("000123456", "WD-2").await.data();
    let (url, known, ledger) =
        (first.base_url().to_owned(), first.credentials().clone(), first.ledger());
    first.shutdown();
    // A line that was being written when the process died.
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.extend_from_slice(b"{\"orders\":{\"WD-3\":{");
    std::fs::write(&file, bytes).unwrap();

    let second = Sandbox::builder().state_file(&file).start().unwrap();
    raw.http = crate::raw::http_client();
    assert_eq!(second.base_url(), url);
    assert_eq!(second.credentials(), &known);
    assert_eq!(second.ledger(), ledger);
    assert_eq!(raw.query("WD-2").await.data()["status"], "SUCCESS", "old bearer, old key pair");
    let otp = raw.query("WD-1").await;
    assert_eq!(otp.data()["status"], "WAITING");
    let again = raw.call("withdraw", raw.withdrawal(&token, "WD-2")).await;
    assert_eq!(again.refusal(), (409, "DUPLICATED"));
    assert_eq!(raw.withdraw("000123456", "WD-4").await.data()["status"], "SUCCESS");
}

#[cfg(unix)]
#[test]
fn the_state_file_is_private_and_has_one_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sandbox.state");
    // Also where it was there before, and open to all.
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let _first = Sandbox::builder().state_file(&file).start().unwrap();
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let second = Sandbox::builder().state_file(&file).start().unwrap_err();
    assert!(second.to_string().contains("in use by another sandbox"), "{second}");
}

#[test]
fn a_file_that_is_not_the_sandboxes_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payroll.csv");
    for text in ["reference,amount\nA,1\n", "A,1", "\n", "{\"a\":", "{\"a\":1}", "[1]"] {
        std::fs::write(&file, text).unwrap();
        let error = Sandbox::builder().state_file(&file).start().unwrap_err();
        assert!(error.to_string().starts_with("line 1 of the state file"), "{text}: {error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}

#[tokio::test]
async fn the_clock_and_the_directory_can_be_reached_over_http() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let accounts =
        json!([{"number": "000777111", "bic": "WING", "holder": "CHAN BOPHA", "currency": "KHR"}]);
    assert_eq!(raw.post("/sandbox/accounts", &accounts).await.unwrap().json["added"], 1);
    let fields = json!({"bank_account_number": "000777111", "bic": "WING"});
    let reply = raw.call("verifybankaccount", fields).await;
    assert_eq!(reply.data()["owner_name"], "CHAN BOPHA");
    let before = raw.get("/sandbox/clock").await.json["now"].as_str().unwrap().to_owned();
    let after = raw.post("/sandbox/clock", &json!({"seconds": 86_400})).await.unwrap();
    assert!(after.json["now"].as_str().unwrap() > before.as_str());
}
