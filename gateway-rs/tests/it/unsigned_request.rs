//! What a server signs for others, and what it refuses because it could be read in two ways.

use kess_gateway::{ErrorKind, Outcome, SignType, UnsignedRequest};

use crate::delegate::server;
use crate::scripted::{API_SECRET, Scripted, success};
use crate::signing::vectors;

#[test]
fn every_public_vector_is_signed_or_refused_for_a_reason() {
    let mut refused = Vec::new();
    for vector in vectors() {
        let gateway = Scripted::calls(|_| success("{}"));
        let sign_type = vector.sign_type.parse().unwrap();
        let client =
            gateway.builder().api_secret(&vector.key).sign_type(sign_type).build().unwrap();
        match UnsignedRequest::from_json(vector.params.as_bytes()) {
            Ok(request) => {
                assert_eq!(client.sign(&request).unwrap(), vector.sign, "{}", vector.name);
            }
            Err(error) => {
                let why = error.message().trim_start_matches("the request to sign ").to_owned();
                refused.push((vector.name, why));
            }
        }
    }
    let refused: Vec<_> = refused.iter().map(|(name, why)| (name.as_str(), why.as_str())).collect();
    let second_reading = "holds a text in body that can be read as another field: `&`, a name, \
        and `=`";
    assert_eq!(
        refused,
        [
            ("byte order of keys, without service", "names no service"),
            ("ampersands and equal signs within", second_reading),
            ("repeated key, the last counts", "has a name twice"),
            ("sign is left out", "has a signature already"),
        ]
    );
}

fn refusal(body: &str) -> String {
    let error = UnsignedRequest::from_json(body.as_bytes()).unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::InvalidRequest, Outcome::NotSent));
    let text = format!("{error} {error:?}");
    assert!(!text.contains("planted"), "{text}");
    error.message().trim_start_matches("the request to sign ").to_owned()
}

/// A request with these members besides what every request has.
fn with(members: &str) -> String {
    format!(r#"{{"service":"s","sign_type":"MD5",{members}}}"#)
}

#[test]
fn what_is_no_request_is_not_signed() {
    for body in ["", "null", "[]", "{", "\"planted\"", "{} {}", "\u{feff}{}", "{\"a\":}"] {
        assert_eq!(refusal(body), "is not a JSON object", "{body}");
    }
    let error = UnsignedRequest::from_json(b"{\"a\":\"\xff\"}").unwrap_err();
    assert!(error.message().ends_with("is not JSON"));
    for body in ["{}", r#"{"sign_type":"MD5"}"#, r#"{"service":["s"],"sign_type":"MD5"}"#] {
        assert_eq!(refusal(body), "names no service", "{body}");
    }
    for service in ["true", "1", "\"\"", "null", "\"a b\"", "\"a&b=c\"", "\"planted\\n\""] {
        let body = format!(r#"{{"service":{service},"sign_type":"MD5"}}"#);
        assert_eq!(refusal(&body), "names no service", "{body}");
    }
    for sign_type in ["\"md5\"", "\"\"", "null", "5", "[\"MD5\"]", "\"planted\""] {
        let body = format!(r#"{{"service":"s","sign_type":{sign_type}}}"#);
        let known = "has a sign_type that is neither MD5 nor HMAC-SHA256";
        assert_eq!(refusal(&body), known, "{body}");
    }
    assert_eq!(refusal(&with(r#""sign":"x""#)), "has a signature already");
    assert_eq!(refusal(&with(r#""sign":"""#)), "has a signature already");
    assert_eq!(refusal(&with(r#""sign":null"#)), "has a signature already");
    let long = with(&format!(r#""body":"{}""#, "x".repeat(256 * 1024)));
    assert_eq!(refusal(&long), "is longer than 256 KiB");
}

#[test]
fn what_two_readers_could_read_differently_is_not_signed() {
    for twice in [
        r#""a":1,"a":1"#,
        r#""a":1,"\u0061":2"#,
        r#""service":"t""#,
        r#""a":{"b":1,"b":2}"#,
        r#""a":[1,{"c":{"b":null,"b":null}}]"#,
    ] {
        assert_eq!(refusal(&with(twice)), "has a name twice", "{twice}");
    }
    for name in ["", " a", "a b", "a=1&b", "1", "9a", "ស", "a\\u0000", "-a", &"a".repeat(65)] {
        let body = with(&format!(r#""{name}":"planted""#));
        assert!(refusal(&body).starts_with("has a field whose name is none"), "{body}");
    }
    let deep =
        |levels: usize| with(&format!(r#""a":{}1{}"#, "[".repeat(levels), "]".repeat(levels)));
    assert!(UnsignedRequest::from_json(deep(15).as_bytes()).is_ok());
    assert_eq!(refusal(&deep(16)), "is nested too deeply");
    assert_eq!(refusal(&deep(50_000)), "is nested too deeply");
    assert_eq!(refusal(&with(r#""a":["\ud800"]"#)), "holds a value that cannot be read");
}

/// The attack that the check is against: a description that holds another payment.
#[test]
fn a_signature_for_one_payment_is_not_one_for_another() {
    let hidden = "currency=USD&out_trade_no=E&service=w&sign_type=MD5&total_amount=999";
    let honest = format!(
        r#"{{"body":"x&{hidden}&zz=","currency":"USD","out_trade_no":"T","service":"w",
        "sign_type":"MD5","total_amount":1}}"#
    );
    assert!(refusal(&honest).starts_with("holds a text in body"));
    // The text under the signature really is the same.
    let other = r#"{"body":"x","currency":"USD","out_trade_no":"E","service":"w","sign_type":"MD5",
        "total_amount":999,
        "zz":"&currency=USD&out_trade_no=T&service=w&sign_type=MD5&total_amount=1"}"#;
    let gateway = Scripted::calls(|_| success("{}"));
    let client = gateway.builder().sign_type(SignType::Md5).build().unwrap();
    let signature = |json: &str| {
        let signed = kess_gateway::webhook::sign_json_for_tests(
            API_SECRET,
            SignType::Md5,
            &json.replacen(r#""sign_type":"MD5","#, "", 1),
        );
        signed.unwrap().rsplit('"').nth(1).unwrap().to_owned()
    };
    assert_eq!(signature(&honest), signature(other));
    assert!(refusal(other).starts_with("holds a text in zz"), "it holds the first");
    let plain = br#"{"body":"Tom & Jerry = friends & more","service":"w","sign_type":"MD5"}"#;
    let request = UnsignedRequest::from_json(plain).unwrap();
    assert_eq!(request.get("body"), Some("Tom & Jerry = friends & more"));
    assert!(client.sign(&request).is_ok());
}

/// Every way to read the text under a signature as another request with other fields.
#[test]
fn no_request_that_is_signed_has_a_reading_with_a_field_it_does_not_have() {
    use rand::rngs::StdRng;
    use rand::seq::SliceRandom;
    use rand::{Rng, SeedableRng};
    let random = &mut StdRng::seed_from_u64(5);
    let names = ["a", "b", "m", "service", "sign_type", "t", "z"];
    let pieces = ["&", "=", "a", "b", "m", "t", "z", "1", " ", "&t=", "&b="];
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..5_000 {
        let mut fields = vec![("service", "s".to_owned()), ("sign_type", "MD5".to_owned())];
        for name in ["a", "b", "m", "t", "z"] {
            if random.r#gen() {
                let many = random.gen_range(1..6);
                let text = (0..many).map(|_| *pieces.choose(random).unwrap()).collect::<String>();
                fields.push((name, text));
            }
        }
        fields.sort();
        let text: Vec<String> = fields.iter().map(|(name, it)| format!("{name}={it}")).collect();
        let text = text.join("&");
        let json: serde_json::Map<_, _> =
            fields.iter().map(|(name, it)| ((*name).to_owned(), it.clone().into())).collect();
        let json = serde_json::Value::Object(json).to_string();
        if UnsignedRequest::from_json(json.as_bytes()).is_err() {
            refused += 1;
            continue;
        }
        accepted += 1;
        // A field of another reading begins at the start or after `&`, and names ascend.
        let first = fields[0].0;
        let starts = text.match_indices('&').map(|(at, _)| &text[at + 1..]);
        for rest in starts {
            let Some((name, value)) = rest.split_once('=') else { continue };
            if !names.contains(&name) || name <= first {
                continue;
            }
            let ours = fields.iter().any(|(known, it)| *known == name && value.starts_with(it));
            assert!(ours, "{json} can be read as one with {name}={value}");
        }
    }
    assert!(accepted > 500 && refused > 500, "{accepted} and {refused}");
}

#[test]
fn an_app_does_not_choose_how_it_is_signed() {
    let request = UnsignedRequest::from_json(br#"{"service":"s","sign_type":"MD5"}"#).unwrap();
    let error = server(SignType::HmacSha256).sign(&request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(server(SignType::Md5).sign(&request).is_ok());
}

#[test]
fn fields_are_what_is_signed() {
    let body = with(
        r#""a":10.50,"b":true,"c":false,"d":null,"e":"","f":[1],"g":{"h":1},"out_trade_no":5"#,
    );
    let request = UnsignedRequest::from_json(body.as_bytes()).unwrap();
    let fields: Vec<_> = request.fields().collect();
    let expected = [
        ("a", "10.5"),
        ("b", "1"),
        ("c", ""),
        ("out_trade_no", "5"),
        ("service", "s"),
        ("sign_type", "MD5"),
    ];
    assert_eq!(fields, expected);
    assert_eq!(request.out_trade_no(), Some("5"));
    assert_eq!(request.body(), body.as_bytes());
    let shown = format!("{request:?}");
    assert!(!shown.contains("10.5") && shown.contains("body_bytes"), "{shown}");
}
