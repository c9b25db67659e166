//! Reply signatures, lists in pieces, notices, redirects and QR texts.

use futures_util::TryStreamExt;
use kess_gateway::webhook::{self, Verifier};
use kess_gateway::{
    Currency, ErrorKind, Outcome, ReplySignaturePolicy, SignType, SignatureReading,
    SignatureVerdict, UnverifiedRedirect, khqr,
};

use crate::probe::{Read, Withdraw};
use crate::scripted::{API_SECRET, Play, Scripted, success};

const HOLDER: &str =
    r#"{"id":1,"owner_name":"TESTING-ABA-KESS","currency":"USD","account_number":"123456789"}"#;

#[tokio::test]
async fn a_reply_signature_matches_one_of_three_readings() {
    // The vectors of the field notes are over the three fields without `id`, which the probe needs;
    // they are checked as data here, and the reply is read raw.
    let data = HOLDER.replace(r#""id":1,"#, "");
    for (sign, verdict) in [
        ("094f9b9155a5e2f880acb51b863fdd13", SignatureVerdict::Matched(SignatureReading::Data)),
        (
            "1A792140B838358A2D41816A78BB400A",
            SignatureVerdict::Matched(SignatureReading::DataAndSignType),
        ),
        ("8460e178a88c27d84717f5abea21c4eb", SignatureVerdict::Matched(SignatureReading::Envelope)),
        ("8460e178a88c27d84717f5abea21c4ec", SignatureVerdict::Mismatched),
        ("", SignatureVerdict::Absent),
    ] {
        let body = format!(r#"{{"success":true,"data":{data},"sign":"{sign}","sign_type":"MD5"}}"#);
        for policy in
            [ReplySignaturePolicy::Off, ReplySignaturePolicy::Report, ReplySignaturePolicy::Enforce]
        {
            let body = body.clone();
            let gateway = Scripted::calls(move |_| Play::Answer(200, body.clone()));
            let client = gateway.builder().reply_signature(policy).build().unwrap();
            let result = client.call(Withdraw).send_raw().await;
            let good = matches!(verdict, SignatureVerdict::Matched(_));
            match (policy, result) {
                (ReplySignaturePolicy::Off, Ok(reply)) => {
                    assert_eq!(reply.signature(), SignatureVerdict::Unchecked);
                }
                (ReplySignaturePolicy::Report, Ok(reply)) => assert_eq!(reply.signature(), verdict),
                (ReplySignaturePolicy::Enforce, Ok(reply)) if good => {
                    assert_eq!(reply.signature(), verdict);
                }
                (ReplySignaturePolicy::Enforce, Err(error)) if !good => {
                    assert_eq!(error.kind(), ErrorKind::Signature);
                    assert_eq!(error.outcome(), Outcome::Unknown, "the money may have moved");
                }
                (policy, result) => panic!("{policy:?} {verdict:?}: {result:?}"),
            }
        }
    }
}

fn transactions(page: i64, last: i64) -> Play {
    let row = |n: i64| format!(r#"{{"transaction_ref":"TR-{page}-{n}"}}"#);
    success(&format!(r#"{{"data":[{},{}],"current_page":1,"last_page":"{last}"}}"#, row(1), row(2)))
}

#[tokio::test]
async fn pages_are_followed_to_the_last_and_asked_for_when_wanted() {
    let gateway = Scripted::calls(|seen| transactions(seen.json()["page"].as_i64().unwrap(), 3));
    let client = gateway.client();
    let rows: Vec<_> = client.get_txn_lists(1).by_item().try_collect().await.unwrap();
    let refs: Vec<_> = rows.iter().filter_map(|row| row.transaction_ref.as_deref()).collect();
    assert_eq!(refs, ["TR-1-1", "TR-1-2", "TR-2-1", "TR-2-2", "TR-3-1", "TR-3-2"]);
    assert_eq!(gateway.call_requests(), 3);

    let mut pages = Box::pin(client.get_txn_lists(2).by_page());
    assert_eq!(pages.try_next().await.unwrap().unwrap().items.len(), 2);
    assert_eq!(gateway.call_requests(), 4, "only what was asked for");
    pages.try_next().await.unwrap().unwrap();
    assert!(pages.try_next().await.unwrap().is_none());
    assert_eq!(gateway.call_requests(), 5);
}

#[tokio::test]
async fn an_empty_page_ends_the_list_whatever_it_says_of_itself() {
    let gateway =
        Scripted::calls(|_| success(r#"{"data":[],"current_page":1,"last_page":1000000}"#));
    let rows: Vec<_> = gateway.client().get_txn_lists(1).by_item().try_collect().await.unwrap();
    assert!(rows.is_empty());
    assert_eq!(gateway.call_requests(), 1);
}

#[tokio::test]
async fn a_gateway_that_repeats_itself_is_not_asked_for_ever() {
    let gateway = Scripted::calls(|_| transactions(1, i64::MAX));
    let client = gateway.client();
    let mut pages = Box::pin(client.get_txn_lists(1).by_page());
    assert_eq!(pages.try_next().await.unwrap().unwrap().items.len(), 2);
    let error = pages.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(pages.try_next().await.unwrap().is_none(), "the end");
    assert_eq!(gateway.call_requests(), 2);

    let gateway = Scripted::calls(|_| {
        success(r#"{"from":0,"to":1,"hasMore":true,"tranInfos":[{"purchaseRequestId":1}]}"#)
    });
    let client = gateway.client();
    let rows = client.get_virtual_card_report("24831209", 0, 1).by_row().try_collect::<Vec<_>>();
    assert_eq!(rows.await.unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(gateway.call_requests(), 2);
}

#[tokio::test]
async fn a_range_goes_on_after_the_rows_that_came() {
    // 25 rows; asked for 0 to 10, the gateway gives eleven: `to` is included. None comes twice.
    let gateway = Scripted::calls(|seen| {
        let json = seen.json();
        let (from, to) = (json["from"].as_i64().unwrap(), json["to"].as_i64().unwrap());
        let rows: Vec<_> =
            (from..=to.min(24)).map(|row| format!(r#"{{"purchaseRequestId":{row}}}"#)).collect();
        success(&format!(
            r#"{{"reportStatus":"Completed","from":{from},"to":{to},"hasMore":{},"tranInfos":[{}]}}"#,
            to < 24,
            rows.join(",")
        ))
    });
    let client = gateway.client();
    let call = client.get_virtual_card_report("24831209", 0, 10);
    let rows: Vec<_> = call.by_row().try_collect().await.unwrap();
    let ids: Vec<_> = rows.iter().filter_map(|row| row.purchase_request_id.as_deref()).collect();
    assert_eq!(ids, (0..25).map(|row| row.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_notice_is_checked_as_form_and_as_json() {
    let verifier = Verifier::new(API_SECRET);
    let fields = [
        ("token", "111612f019b6836bf1255554"),
        ("out_trade_no", "TR-1"),
        ("transaction_id", ""),
        ("body", "ទូរស័ព្ទ & more = 1"),
        ("total_amount", "10.5"),
        ("currency", "USD"),
        ("status", "SUCCESS"),
        ("created_at", "2022-07-18T07:44:54.000000Z"),
        ("expired_at", "2022-07-18T10:44:53.000000Z"),
        ("seller[code]", "SELLER"),
        ("detail[]", "a"),
        ("refund_histories[0][amount]", "1"),
        ("refund_histories[0][currency]", "USD"),
        ("refund_histories[0][status]", "REFUNDED"),
        ("refund_histories[0][reason]", "x"),
        ("refund_histories[0][transaction_id]", "1"),
    ];
    for sign_type in [SignType::Md5, SignType::HmacSha256] {
        let form = webhook::sign_form_for_tests(API_SECRET, sign_type, &fields);
        let notice = verifier.verify(form.as_bytes()).unwrap();
        assert_eq!(notice.get("body"), Some("ទូរស័ព្ទ & more = 1"));
        assert_eq!(notice.get("seller[code]"), None, "not signed, so not here");
        let order: kess_gateway::objects::WebhookNotice = notice.read().unwrap();
        assert_eq!(order.total_amount.unwrap().to_string(), "10.5");
        assert_eq!(order.seller.unwrap().code.as_deref(), Some("SELLER"));

        let json = r#"{"out_trade_no":"TR-1","total_amount":10.50,"flag":false,"on":true,
                       "none":null,"detail":[1],"empty":""}"#;
        let json = webhook::sign_json_for_tests(API_SECRET, sign_type, json).unwrap();
        assert_eq!(verifier.verify(json.as_bytes()).unwrap().get("total_amount"), Some("10.5"));
        // Without regard to the case of the hex digits.
        let (body, sign) = form.rsplit_once('=').unwrap();
        let shouted = format!("{body}={}", sign.to_uppercase());
        verifier.verify(shouted.as_bytes()).unwrap();
    }
}

#[test]
fn a_notice_that_was_changed_is_refused() {
    let verifier = Verifier::new(API_SECRET);
    let fields = [("out_trade_no", "TR-1"), ("total_amount", "10.5")];
    let form = webhook::sign_form_for_tests(API_SECRET, SignType::Md5, &fields);
    let md5 = form.replace("MD5", "HMAC-SHA256");
    for (body, kind) in [
        (form.replace("10.5", "10.50"), ErrorKind::Signature),
        (format!("{form}&status=SUCCESS"), ErrorKind::Signature),
        (md5, ErrorKind::Signature),
        (form.replace("MD5", "md5"), ErrorKind::Signature),
        (form.rsplit_once("&sign=").unwrap().0.to_owned(), ErrorKind::Signature),
        ("out_trade_no=TR-1&sign=".to_owned(), ErrorKind::Signature),
        (r#"{"sign":["x"]}"#.to_owned(), ErrorKind::Signature),
        (String::new(), ErrorKind::Decode),
        ("{".to_owned(), ErrorKind::Decode),
        ("x".repeat(2_000_000), ErrorKind::Decode),
    ] {
        assert_eq!(verifier.verify(body.as_bytes()).unwrap_err().kind(), kind, "{body:.80}");
    }
    let other = Verifier::new("abc124");
    assert_eq!(other.verify(form.as_bytes()).unwrap_err().kind(), ErrorKind::Signature);
    // What the signature does not cover may change.
    verifier.verify(format!("{form}&detail[]=x").as_bytes()).unwrap();
}

#[test]
fn false_is_a_zero_in_a_form_and_empty_in_its_signature() {
    // Signed by PHP: {"a":false,"b":"1","c":0,"sign_type":"MD5"} as `a=&b=1&c=0&sign_type=MD5`.
    let signed =
        webhook::sign_json_for_tests(API_SECRET, SignType::Md5, r#"{"a":false,"b":"1","c":0}"#)
            .unwrap();
    let sign = signed.rsplit('"').nth(1).unwrap();
    let verifier = Verifier::new(API_SECRET);
    let form = format!("a=0&b=1&c=0&sign_type=MD5&sign={sign}");
    verifier.verify(form.as_bytes()).unwrap();
    let form = format!("a=0&b=0&c=0&sign_type=MD5&sign={sign}");
    assert!(verifier.verify(form.as_bytes()).is_err());
    // A form of zeros is not a way to make this expensive.
    let zeros: String = (0..500).map(|n| format!("k{n}=0&")).collect();
    let form = format!("{zeros}sign_type=MD5&sign={sign}");
    assert!(verifier.verify(form.as_bytes()).is_err());
}

#[test]
fn the_client_gives_a_verifier_for_its_own_secret() {
    let client = Scripted::calls(|_| success("{}")).client();
    let form = webhook::sign_form_for_tests(API_SECRET, SignType::HmacSha256, &[("a", "b")]);
    assert_eq!(
        client.webhook_verifier().unwrap().verify(form.as_bytes()).unwrap().get("a"),
        Some("b")
    );
}

#[test]
fn a_redirect_is_read_and_believed_by_nobody() {
    let back = UnverifiedRedirect::parse(
        "https://shop.example/x?success=0&token=T&out_trade_no=TR-1&message=No+money&pay_response=\
         %7B%22gatewayCode%22%3A%22INSUFFICIENT_FUNDS%22%2C%22acquirerMessage%22%3A%22no%22%7D#top",
    )
    .unwrap();
    assert_eq!(back.claims_success, Some(false));
    assert_eq!(back.message.as_deref(), Some("No money"));
    let why = back.pay_response.clone().unwrap();
    assert_eq!(why.gateway_code.as_deref(), Some("INSUFFICIENT_FUNDS"));
    assert!(!format!("{back:?}").contains("\"T\""));

    let odd = UnverifiedRedirect::parse("success=maybe&token=T&pay_response=oops").unwrap();
    assert_eq!((odd.claims_success, odd.pay_response), (None, None));
    assert!(UnverifiedRedirect::parse("https://shop.example/x").is_err());
}

const QR: &str = "00020101021129490009khqr@kess01090000249240219Kess Innovation Plc5204599953038405802KH5910Bunna Roth6010Phnom Penh62130209015703635991700131738910956926630400AA";

#[test]
fn the_documentations_qr_holds() {
    assert_eq!(khqr::md5_of(QR), "bf6ce95e56672e6991d3bd42af8f481a");
    let qr = khqr::Khqr::parse(QR).unwrap();
    assert_eq!(qr.bakong_account_id().as_deref(), Some("khqr@kess"));
    assert_eq!(qr.currency(), Some(Currency::Usd));
    assert_eq!(qr.amount(), None, "the payer decides");
    assert_eq!(qr.field(59), Some("Bunna Roth"));
    assert_eq!(qr.inner(62, 2).as_deref(), Some("015703635"));

    let answer = r#"{"merchantType":"29","bakongAccountID":"khqr@kess",
        "accountInformation":"000024924","merchantID":null,"acquiringBank":"Kess Innovation Plc",
        "billNumber":null,"mobileNumber":"015703635","storeLabel":null,
        "payloadFormatIndicator":"01","pointofInitiationMethod":"11","merchantCategoryCode":"5999",
        "transactionCurrency":"usd","transactionAmount":null,"countryCode":"KH",
        "merchantName":"Bunna Roth","merchantCity":"Phnom Penh",
        "timestamp":"00131738910956926","crc":"00AA"}"#;
    assert_eq!(qr.differences(answer).unwrap(), Vec::<&str>::new());
    let other = answer.replace("khqr@kess", "thief@kess").replace("\"5999\"", "null");
    assert_eq!(qr.differences(&other).unwrap(), ["bakongAccountID", "merchantCategoryCode"]);
    assert!(qr.differences("7").is_err());
}

#[test]
fn a_qr_that_was_changed_does_not_hold() {
    for at in 0..QR.len() {
        let mut changed = QR.as_bytes().to_vec();
        changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(khqr::Khqr::parse(&changed).is_err(), "{changed}");
    }
    for text in ["", "6304", "630", "ស្តី", "0002016304"] {
        assert!(khqr::Khqr::parse(text).is_err(), "{text}");
    }
}

#[tokio::test]
async fn a_call_takes_its_own_timeout() {
    let gateway = Scripted::calls(|_| success(r#"{"id":1}"#));
    let client = gateway.client();
    let call = client.call(Read).with_timeout(std::time::Duration::from_secs(1));
    assert!(call.send().await.is_ok());
}

#[test]
fn the_future_of_a_call_is_small() {
    let client = Scripted::calls(|_| success("{}")).client();
    let size = std::mem::size_of_val(&client.call(Read).send());
    assert!(size <= 512, "{size} bytes: thousands of them live in tasks and in `join_all`");
}
