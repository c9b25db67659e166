//! Notices that somebody else sends: what is not the gateway's own must neither pass nor do harm.

use kess_gateway::webhook::{self, Verifier};
use kess_gateway::{ErrorKind, SignType};

use crate::scripted::API_SECRET;

fn kind(body: &str) -> Option<ErrorKind> {
    Verifier::new(API_SECRET).verify(body.as_bytes()).err().map(|error| error.kind())
}

#[test]
fn nothing_can_be_put_in_the_place_of_a_signed_field() {
    let fields = [
        ("out_trade_no", "TR-1"),
        ("status", "SUCCESS"),
        ("total_amount", "1"),
        ("currency", "USD"),
        ("detail[]", "a"),
    ];
    let form = webhook::sign_form_for_tests(API_SECRET, SignType::Md5, &fields);
    assert_eq!(kind(&form), None);
    // Empty values and brackets are not signed, so the signature holds for each of these.
    for added in ["status=", "status[]=FAILED", "status[x]=FAILED", "out_trade_no=TR-1", "detail=x"]
    {
        assert_eq!(kind(&format!("{form}&{added}")), Some(ErrorKind::Decode), "after: {added}");
        assert_eq!(kind(&format!("{added}&{form}")), Some(ErrorKind::Decode), "before: {added}");
    }
    // Another name is another field, however much it looks like this one.
    let notice = Verifier::new(API_SECRET).verify(format!("{form}&status]=").as_bytes()).unwrap();
    let read: kess_gateway::objects::WebhookNotice = notice.read().unwrap();
    assert_eq!(read.status.as_str(), "SUCCESS");
    // Lists may go on, and PHP writes them in both ways.
    assert_eq!(kind(&format!("{form}&detail[]=b&a[0][b]=1&a[0][c]=1&a[1][b]=2")), None);
}

#[test]
fn brackets_without_end_are_refused_and_not_followed() {
    for deep in [format!("a{}=1", "[".repeat(200_000)), format!("a{}=1", "[x]".repeat(60_000))] {
        assert_eq!(kind(&deep), Some(ErrorKind::Decode));
    }
    let deep = format!("{{\"sign\":\"x\",\"a\":{}1", "[".repeat(200_000));
    assert_eq!(kind(&deep), Some(ErrorKind::Decode));
    let nested = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let json = webhook::sign_json_for_tests(
        API_SECRET,
        SignType::Md5,
        &format!("{{\"out_trade_no\":\"TR-1\",\"meta\":{nested}}}"),
    );
    let notice = Verifier::new(API_SECRET).verify(json.unwrap().as_bytes()).unwrap();
    assert_eq!(notice.get("out_trade_no"), Some("TR-1"));
    // Reading it ends too, one way or the other.
    let _ = notice.read::<kess_gateway::objects::WebhookNotice>();
}
