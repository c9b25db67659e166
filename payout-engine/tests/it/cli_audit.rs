//! `payout audit` as a process: exit codes, the document, heads that were noted.

use serde_json::json;

use crate::{
    audit::sql,
    command::{Desk, row},
};

#[tokio::test]
async fn a_noted_head_stays_and_a_changed_row_is_named() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &[row(1, "1234"), row(2, "0404"), row(3, "0777")]);
    desk.payout(&["run", "june.csv", "--sandbox", "--yes", "--batch", "june"]).expect(5);
    let document = desk.payout(&["audit", "--sandbox", "--json"]).expect(0).json();
    assert_eq!((&document["batch"], &document["intact"]), (&json!("june"), &json!(true)));
    assert_eq!((&document["problem"], &document["noted_at"]), (&json!(null), &json!(null)));
    let head = document["head"].as_str().unwrap();
    let text = desk.payout(&["audit", "june", "--sandbox"]).expect(0).stdout;
    assert!(text.contains("intact") && text.contains(head), "{text}");

    desk.payout(&["resume", "--sandbox"]).expect(5);
    let later = desk.payout(&["audit", "--sandbox", "--json", "--head", head]).expect(0).json();
    assert_eq!(later["noted_at"], document["events"]);
    assert_ne!(later["head"], document["head"]);
    let all = desk.payout(&["audit", "--sandbox", "--json", "--all"]).expect(0).json();
    assert_eq!(all["batches"], json!([desk.payout(&["audit", "--sandbox", "--json"]).json()]));

    let other = "0".repeat(64);
    let text = desk.payout(&["audit", "--sandbox", "--head", &other]).expect(1).stdout;
    assert!(text.contains("noted head"), "{text}");
    desk.payout(&["audit", "--sandbox", "--head", "abc"]).expect(2);

    let paid = "UPDATE payouts SET outcome = 'paid', state = 'paid' WHERE row = 2";
    sql(&desk.path("payout-sandbox.db"), paid).await;
    let broken = desk.payout(&["audit", "--sandbox", "--json"]).expect(1).json();
    assert_eq!((&broken["intact"], &broken["problem"]["row"]), (&json!(false), &json!(2)));
    let text = desk.payout(&["audit", "--sandbox"]).expect(1).stdout;
    assert!(text.contains("BROKEN") && text.contains("row 2: its state"), "{text}");
}
