//! What the readers of reply fields accept, and what they say otherwise; amounts to the last digit.

use std::collections::BTreeMap;

use kess_gateway::decode::{self, FromReply};
use kess_gateway::enums::OrderStatus;
use kess_gateway::{Amount, Currency, Date, Money, RawJson, Sensitive, Timestamp, Variable};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::probe::Thing;

/// Reads through the one door for fields, as generated structs do.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: FromReply"))]
struct Field<T> {
    #[serde(deserialize_with = "decode::field")]
    it: T,
}

fn read<T: FromReply>(json: &str) -> Result<T, String> {
    let field: Result<Field<T>, _> = serde_json::from_str(&format!("{{\"it\":{json}}}"));
    field.map(|field| field.it).map_err(|error| error.to_string())
}

fn reads<T: FromReply + PartialEq + std::fmt::Debug>(json: &str, expected: T) {
    assert_eq!(read::<T>(json), Ok(expected), "{json}");
}

fn refuses<T: FromReply + std::fmt::Debug>(json: &str, says: &str) {
    let error = read::<T>(json).unwrap_err();
    assert!(error.starts_with(says), "{json}: {error}");
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn texts_take_numbers_and_flags() {
    reads(r#""a""#, text("a"));
    reads(r#""""#, text(""));
    reads("12", text("12"));
    reads("-12", text("-12"));
    reads("1.5", text("1.5"));
    reads("true", text("true"));
    reads(r#""\u17d2\ud83d\ude00""#, text("\u{17d2}😀"));
    reads("null", None::<String>);
    reads(r#"" ""#, None::<String>);
    reads("7", Some(Sensitive::from(text("7"))));
    refuses::<String>("null", "expected text, found null");
    refuses::<String>("{}", "expected text, found an object");
    refuses::<Option<String>>("[]", "expected text, found a list");
}

#[test]
fn whole_numbers_take_texts() {
    reads("7", 7_i64);
    reads("-7", -7_i64);
    reads(r#"" 007 ""#, 7_i64);
    reads("10.0", 10_i64);
    reads("1e3", 1_000_i64);
    reads(r#""""#, None::<i64>);
    refuses::<i64>("10.5", "expected a whole number, found another number");
    refuses::<i64>(r#""x""#, "expected a whole number, found another text");
    refuses::<i64>("18446744073709551615", "expected a whole number, found another number");
    refuses::<i64>("true", "expected a whole number, found true or false");
}

#[test]
fn flags_take_numbers_and_texts() {
    for json in ["true", "1", r#""1""#, r#""true""#, r#"" TRUE ""#] {
        reads(json, true);
    }
    for json in ["false", "0", r#""0""#, r#""False""#] {
        reads(json, Some(false));
    }
    reads("null", None::<bool>);
    refuses::<bool>("2", "expected true or false, found another number");
    refuses::<bool>(r#""yes""#, "expected true or false, found another text");
}

#[test]
fn amounts_keep_every_digit() {
    for (json, expected) in [
        ("10", "10"),
        ("10.50", "10.5"),
        ("-10.00", "-10"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("1.5e3", "1500"),
        ("1E-2", "0.01"),
        ("15e-1", "1.5"),
        ("0e99", "0"),
        (r#""9.65""#, "9.65"),
        (r#"" 9.65 ""#, "9.65"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("12345678901234567890.12345678", "12345678901234567890.12345678"),
        ("79228162514264337593543950335", "79228162514264337593543950335"),
    ] {
        assert_eq!(read::<Amount>(json).unwrap().to_string(), expected, "{json}");
    }
    reads("null", None::<Amount>);
    reads(r#""""#, None::<Amount>);
    for json in [r#""1,234.5""#, r#""$1""#, r#""+1""#, r#"".5""#, r#""1.""#, r#""0x1""#, r#""NaN""#]
    {
        refuses::<Amount>(json, "expected an exact amount, found another text");
        refuses::<Option<Amount>>(json, "expected an exact amount, found another text");
    }
    // What cannot be kept exactly is refused, not rounded.
    for json in ["1e30", "1e-30", "0.12345678901234567890123456789", "1e999999999999"] {
        refuses::<Amount>(json, "expected an exact amount, found another number");
    }
    refuses::<Amount>("[]", "expected an exact amount, found a list");
    refuses::<Amount>("true", "expected an exact amount, found true or false");
}

#[test]
fn times_days_currencies_and_statuses_keep_what_they_do_not_know() {
    assert_eq!(
        read::<Timestamp>(r#""2025-01-13 09:32:21""#).unwrap().instant(),
        read::<Timestamp>(r#""2025-01-13T02:32:21.000000Z""#).unwrap().instant()
    );
    assert_eq!(read::<Timestamp>(r#""02-05""#).unwrap().as_str(), "02-05");
    assert_eq!(read::<Timestamp>("1736739141").unwrap().as_str(), "1736739141");
    assert_eq!(read::<Date>(r#""2025-02-30""#).unwrap().day(), None);
    reads(r#""""#, None::<Timestamp>);
    reads(r#""usd""#, Currency::Usd);
    reads(r#""THB""#, Currency::Other("THB".into()));
    reads(r#""SUCCESS ""#, OrderStatus::Success);
    assert_eq!(read::<OrderStatus>(r#"" New ""#).unwrap().as_str(), "New");
    assert_eq!(read::<OrderStatus>("1").unwrap().as_str(), "1");
    reads("null", None::<OrderStatus>);
}

#[test]
fn objects_may_be_missing_in_four_ways_and_lists_in_three() {
    let thing = |id: &str| Thing { id: text(id) };
    reads(r#"{"id":1,"more":[]}"#, thing("1"));
    for json in ["null", "[]", r#""""#, r#"" ""#] {
        reads(json, None::<Thing>);
        refuses::<Thing>(json, "expected thing, found nothing");
        reads(json, BTreeMap::<String, i64>::new());
    }
    for (json, found) in [("[1]", "a list"), ("7", "a number"), ("true", "true or false")] {
        refuses::<Option<Thing>>(json, &format!("expected thing, found {found}"));
    }
    refuses::<Thing>(r#""secret""#, "expected thing, found text");

    reads(r#"[{"id":1},{"id":"2"}]"#, vec![thing("1"), thing("2")]);
    reads(r#"{"0":"a","2":"b"}"#, vec![text("a"), text("b")]);
    for json in ["null", "[]", r#""""#, "{}"] {
        reads(json, Vec::<String>::new());
    }
    refuses::<Vec<i64>>(r#"{"a":1}"#, "expected a list, found an object");
    refuses::<Vec<i64>>("4111", "expected a list, found a number");
    reads(r#"{"b":"2","a":1}"#, BTreeMap::from([(text("a"), 1_i64), (text("b"), 2)]));
    refuses::<BTreeMap<String, i64>>("4111", "expected an object, found a number");
}

#[test]
fn what_changes_its_shape_is_kept() {
    type Maybe = Option<Variable<Thing>>;
    let known = |json| read::<Maybe>(json).unwrap().unwrap().known().cloned();
    assert_eq!(known(r#"{"id":1}"#), Some(Thing { id: text("1") }));
    for json in ["7", r#""text""#, "[1,2]", "{}", r#"{"id":{}}"#] {
        let value = read::<Maybe>(json).unwrap().unwrap();
        assert!(matches!(&value, Variable::Other(raw) if raw.get() == json), "{json}: {value:?}");
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
    }
    for json in ["null", "[]", r#""""#] {
        reads(json, None::<Variable<Thing>>);
    }
    assert_eq!(read::<RawJson>("[ 1.50 ]").unwrap().get(), "[ 1.50 ]");
    reads("null", None::<RawJson>);
}

fn decimal() -> impl Strategy<Value = Decimal> {
    (any::<i64>(), 0_u32..=18).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale))
}

proptest! {
    #[test]
    fn an_amount_survives_text_json_and_number(value in decimal()) {
        let amount = Amount::from(value);
        prop_assert_eq!(amount.as_decimal(), value);
        prop_assert_eq!(amount.to_string().parse::<Amount>().unwrap(), amount);
        prop_assert_eq!(read::<Amount>(&amount.to_string()).unwrap(), amount);
        let json = serde_json::to_string(&amount).unwrap();
        prop_assert!(json.starts_with('"'));
        prop_assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), amount);
        // The shortest form: no exponent, no zero at the end of a fraction, no minus zero.
        let text = amount.to_string();
        prop_assert!(!text.contains(['e', 'E', '+']));
        prop_assert!(!text.contains('.') || !text.ends_with(['0', '.']));
        prop_assert!(text != "-0");
    }

    #[test]
    fn sums_are_exact_or_refused(a in decimal(), b in decimal()) {
        let (a, b) = (Amount::from(a), Amount::from(b));
        if let Some(sum) = a.checked_add(b) {
            prop_assert_eq!(sum.checked_sub(b), Some(a));
            let scaled = |amount: Amount| {
                amount.as_decimal().mantissa() * 10_i128.pow(18 - amount.decimals())
            };
            prop_assert_eq!(scaled(sum), scaled(a) + scaled(b));
        }
    }

    #[test]
    fn money_never_rounds(value in decimal()) {
        let amount = Amount::from(value);
        for (currency, places) in [(Currency::Usd, 2), (Currency::Khr, 0)] {
            match Money::new(amount, currency.clone()) {
                Ok(money) => {
                    let shown = money.to_string();
                    let shown = shown.strip_suffix(&format!(" {currency}")).unwrap();
                    prop_assert_eq!(shown.parse::<Amount>().unwrap(), amount);
                    let decimals = shown.split_once('.').map_or(0, |(_, decimals)| decimals.len());
                    prop_assert_eq!(decimals, places);
                }
                Err(_) => prop_assert!(amount.decimals() as usize > places),
            }
        }
    }

    #[test]
    fn any_text_is_read_as_an_amount_or_refused(text in "\\PC{0,40}") {
        if let Ok(amount) = text.parse::<Amount>() {
            prop_assert_eq!(amount.to_string().parse::<Amount>().unwrap(), amount);
        }
    }
}
