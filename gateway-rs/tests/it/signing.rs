//! Signatures against the public vectors, and against the documented routine in real PHP.

use std::io::Write;
use std::process::{Command, Stdio};

use kess_gateway::webhook::{Verifier, sign_json_for_tests};
use kess_gateway::{
    Amount, Effect, Encoder, FieldSpec, Idempotency, Operation, OperationMeta, RawJson, SignType,
};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::probe::Thing;
use crate::scripted::{API_SECRET, Scripted, success};

/// How many random messages each differential test signs.
const SETS: usize = 3_000;

#[derive(Deserialize)]
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) sign_type: String,
    pub(crate) params: String,
    pub(crate) sign: String,
}

/// The public vectors, all of them.
pub(crate) fn vectors() -> Vec<Vector> {
    let text = include_str!("../../../spec/vectors/signing.json");
    let vectors: Vec<Vector> = serde_json::from_str(text).unwrap();
    assert!(vectors.len() >= 30);
    vectors
}

#[test]
fn every_public_vector_holds() {
    for vector in vectors() {
        let sign_type: SignType = vector.sign_type.parse().unwrap();
        assert_eq!(
            sign_any(&vector.key, sign_type, &vector.params),
            vector.sign,
            "{}",
            vector.name
        );
    }
}

/// Signs any JSON object; `sign_type` is in it already, and once more does no harm.
fn sign_any(key: &str, sign_type: SignType, json: &str) -> String {
    let signed = sign_json_for_tests(key, sign_type, json).unwrap();
    signed.rsplit('"').nth(1).unwrap().to_owned()
}

/// What PHP says to the same bodies; `None` where there is no PHP. `what` is `sign` or `form`.
fn php(what: &str, bodies: &[String]) -> Option<Vec<String>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/sign.php");
    let php = Command::new("php")
        .args([script, API_SECRET, what])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut php = match php {
        Ok(php) => php,
        Err(error) if std::env::var_os("CI").is_some() => panic!("php is required in CI: {error}"),
        Err(_) => return None,
    };
    let mut stdin = php.stdin.take().unwrap();
    let input = bodies.join("\n") + "\n";
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = php.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "the PHP routine failed");
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

/// A request whose fields are decided at run time.
struct AnyRequest {
    fields: Vec<(&'static FieldSpec, AnyValue)>,
}

enum AnyValue {
    Text(String),
    Amount(Amount),
    Integer(i64),
    Flag(bool),
    Absent,
    Unsigned(RawJson),
}

impl Operation for AnyRequest {
    type Reply = Thing;
    const META: OperationMeta = OperationMeta {
        service: "webpay.acquire.any",
        name: "any",
        effect: Effect::Read,
        idempotency: Idempotency::None,
        one_of: &[],
    };

    fn encode(&self, out: &mut Encoder<'_>) {
        for (spec, value) in &self.fields {
            match (spec.name(), value) {
                ("service", _) => out.service(),
                ("sign_type", _) => out.sign_type(),
                (_, AnyValue::Text(text)) => out.field(spec, text),
                (_, AnyValue::Amount(amount)) => out.field(spec, amount),
                (_, AnyValue::Integer(number)) => out.field(spec, number),
                (_, AnyValue::Flag(flag)) => out.field(spec, flag),
                (_, AnyValue::Absent) => out.field(spec, &None::<String>),
                (_, AnyValue::Unsigned(json)) => out.unsigned(spec, json),
            }
        }
    }
}

fn any_key(random: &mut StdRng) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const MORE: &[u8] = b"abcXYZ_019-.";
    let mut key = String::from(char::from(*LETTERS.choose(random).unwrap()));
    for _ in 0..random.gen_range(0..8) {
        key.push(char::from(*MORE.choose(random).unwrap()));
    }
    key
}

fn any_text(random: &mut StdRng) -> String {
    let pieces = [
        "a", "Z", "0", "7", " ", "&", "&&", "=", "&a=b", "\"", "\\", "/", "\n", "\t", "é", "ស", "្ត",
        "😀", "+", "%41", "<b>", "null", "1e5", "\u{200b}", "\u{a0}", "'", "\u{7f}", "key",
    ];
    (0..random.gen_range(0..10)).map(|_| *pieces.choose(random).unwrap()).collect()
}

fn any_amount(random: &mut StdRng) -> Amount {
    let digits = random.gen_range(1..=14);
    let most = 10_i64.pow(digits);
    Amount::from(Decimal::new(random.gen_range(-most + 1..most), random.gen_range(0..=14)))
}

fn any_value(random: &mut StdRng) -> AnyValue {
    match random.gen_range(0..10) {
        0..=2 => AnyValue::Text(any_text(random)),
        3..=5 => AnyValue::Amount(any_amount(random)),
        6 => AnyValue::Integer(random.r#gen()),
        7 => AnyValue::Flag(random.r#gen()),
        8 => AnyValue::Absent,
        _ => AnyValue::Unsigned(RawJson::parse("[1,{\"a\":\"b\"},null]").unwrap()),
    }
}

fn any_request(random: &mut StdRng) -> AnyRequest {
    let mut keys: Vec<String> = (0..random.gen_range(0..12)).map(|_| any_key(random)).collect();
    keys.extend(["service".to_owned(), "sign_type".to_owned()]);
    keys.retain(|key| key != "sign");
    keys.sort();
    keys.dedup();
    let spec = |key: String| &*Box::leak(Box::new(FieldSpec::new(Box::leak(key.into_boxed_str()))));
    AnyRequest { fields: keys.into_iter().map(|key| (spec(key), any_value(random))).collect() }
}

#[test]
fn random_requests_are_signed_as_php_signs_them() {
    let seed = 20_260_722;
    let random = &mut StdRng::seed_from_u64(seed);
    let gateway = Scripted::calls(|_| success("{}"));
    let clients = [SignType::Md5, SignType::HmacSha256]
        .map(|sign_type| gateway.builder().sign_type(sign_type).build().unwrap());
    let bodies: Vec<String> = (0..SETS)
        .map(|at| {
            let body = clients[at % 2].call(any_request(random)).body().unwrap();
            String::from_utf8(body.to_vec()).unwrap()
        })
        .collect();
    let Some(theirs) = php("sign", &bodies) else {
        return println!("skipped: there is no php here to compare with");
    };
    assert_eq!(theirs.len(), SETS);
    for (body, theirs) in bodies.iter().zip(theirs) {
        let ours = body.rsplit('"').nth(1).unwrap();
        assert_eq!(ours, theirs, "seed {seed}, body {body}");
    }
}

fn any_json(random: &mut StdRng, depth: usize) -> String {
    match random.gen_range(0..if depth == 0 { 12 } else { 8 }) {
        0 => "null".to_owned(),
        1 => "true".to_owned(),
        2 => "false".to_owned(),
        3 => random.r#gen::<i64>().to_string(),
        4 => format!("{}.{:03}", random.gen_range(-999..999), random.gen_range(0..1000)),
        5 => format!(
            "{}.{}e{}",
            random.gen_range(-99..99),
            random.r#gen::<u64>(),
            random.gen_range(-30..30)
        ),
        6 => any_amount(random).to_string(),
        7 => serde_json::to_string(&any_text(random)).unwrap(),
        8 => format!("{}{}", random.r#gen::<u32>(), random.r#gen::<u64>()),
        9 => format!("[{}]", any_json(random, depth + 1)),
        10 => format!("{{\"a\":{}}}", any_json(random, depth + 1)),
        _ => "\"\\u17d2\\ud83d\\ude00\\/\"".to_owned(),
    }
}

fn any_bodies(seed: u64) -> Vec<String> {
    let random = &mut StdRng::seed_from_u64(seed);
    let body = |at| {
        let sign_type = if at % 2 == 0 { "MD5" } else { "HMAC-SHA256" };
        let mut body = format!("{{\"sign_type\":\"{sign_type}\"");
        for _ in 0..random.gen_range(0..8) {
            let key = any_key(random);
            let value = any_json(random, 0);
            body.push_str(&format!(",\"{key}\":{value}"));
        }
        body + "}"
    };
    (0..SETS).map(body).collect()
}

#[test]
fn any_json_is_signed_as_php_prints_it() {
    let seed = 4_711;
    let bodies = any_bodies(seed);
    let Some(theirs) = php("sign", &bodies) else {
        return println!("skipped: there is no php here to compare with");
    };
    assert_eq!(theirs.len(), SETS);
    for (at, (body, theirs)) in bodies.iter().zip(theirs).enumerate() {
        let sign_type = if at % 2 == 0 { SignType::Md5 } else { SignType::HmacSha256 };
        assert_eq!(sign_any(API_SECRET, sign_type, body), theirs, "seed {seed}, body {body}");
    }
}

#[test]
fn a_form_that_php_made_and_signed_is_a_notice() {
    let seed = 1_861;
    let bodies = any_bodies(seed);
    let Some(forms) = php("form", &bodies) else {
        return println!("skipped: there is no php here to compare with");
    };
    assert_eq!(forms.len(), SETS);
    let verifier = Verifier::new(API_SECRET);
    for (body, form) in bodies.iter().zip(forms) {
        assert!(verifier.verify(form.as_bytes()).is_ok(), "seed {seed}, body {body}, form {form}");
    }
}

#[test]
fn an_amount_that_the_gateway_would_round_is_not_sent() {
    let spec: &'static FieldSpec = Box::leak(Box::new(FieldSpec::new("amount")));
    let gateway = Scripted::calls(|_| success("{}"));
    let send = |text: &str| {
        let fields = vec![(spec, AnyValue::Amount(text.parse().unwrap()))];
        gateway.client().call(AnyRequest { fields }).body()
    };
    assert!(send("12345678901234").is_ok());
    assert!(send("0.12345678901234").is_ok());
    assert!(send("100000000000000000").is_ok());
    assert!(send("123456789012345").is_err());
    assert!(send("1234567890123.45").is_err());
}

#[test]
fn nothing_is_left_at_the_ends_that_any_version_of_the_framework_would_trim() {
    // PHP's `trim`, and what Laravel 11 calls invisible.
    let laravel = "\t \u{a0}\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180e}\u{2000}\
        \u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{200b}\
        \u{200c}\u{200d}\u{200e}\u{200f}\u{202f}\u{205f}\u{2060}\u{2061}\u{2062}\u{2063}\u{2064}\
        \u{2065}\u{206a}\u{206b}\u{206c}\u{206d}\u{206e}\u{206f}\u{3000}\u{2800}\u{3164}\u{feff}\
        \u{ffa0}\u{1d159}\u{1d173}\u{1d174}\u{1d175}\u{1d176}\u{1d177}\u{1d178}\u{1d179}\u{1d17a}\
        \u{e0020}";
    let client = crate::exchange::client(SignType::Md5);
    for c in " \n\r\t\u{b}\0".chars().chain(laravel.chars()) {
        let body = client.verify_bank_account(format!("{c}{c}01{c}"), "ABAAKHPP").body().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(json["bank_account_number"], "01", "U+{:04X}", u32::from(c));
        let blank = client.verify_bank_account(c.to_string(), "ABAAKHPP").body();
        assert!(blank.unwrap_err().to_string().contains("missing or blank"));
    }
}

#[test]
fn fields_out_of_byte_order_are_refused() {
    let spec = |name| -> &'static FieldSpec { Box::leak(Box::new(FieldSpec::new(name))) };
    let field = |name| (spec(name), AnyValue::Integer(1));
    let gateway = Scripted::calls(|_| success("{}"));
    let call = |fields| gateway.client().call(AnyRequest { fields }).body();
    assert!(call(vec![field("B"), field("_"), field("a")]).is_ok());
    assert!(call(vec![field("a"), field("B")]).is_err());
    assert!(call(vec![field("a"), field("a")]).is_err());
}
