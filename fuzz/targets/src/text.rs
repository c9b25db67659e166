//! Texts of any kind: amounts, names, QR codes.

use kess_gateway::khqr::{Khqr, crc_holds};
use kess_gateway::{Amount, Currency, Money};
use payout_engine::compare_names;
use payout_engine::report::plain;

/// An amount that is read prints as a plain decimal and is read back the same, as text, as JSON and
/// in a report.
#[expect(clippy::expect_used, reason = "a target panics where something does not hold")]
pub fn money(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(amount) = serde_json::from_str::<Amount>(text) {
        reads_back(amount);
    }
    let Ok(amount) = text.parse::<Amount>() else { return };
    reads_back(amount);
    assert!(amount.checked_sub(amount).is_none_or(|zero| zero.is_zero()));
    for currency in [Currency::Usd, Currency::Khr] {
        let Ok(money) = Money::new(amount, currency.clone()) else { continue };
        assert!(Some(money.amount().decimals()) <= currency.exponent(), "nothing is rounded");
        let plain: Amount = plain(amount, &currency).parse().expect("a report's amount");
        assert_eq!(plain, amount);
    }
}

#[expect(clippy::expect_used, reason = "a target panics where something does not hold")]
fn reads_back(amount: Amount) {
    let text = amount.to_string();
    assert!(text.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte)), "{text}");
    assert_eq!(text.parse::<Amount>().expect("our own text"), amount);
    let json = serde_json::to_string(&amount).expect("an amount is JSON");
    assert_eq!(serde_json::from_str::<Amount>(&json).expect("our own JSON"), amount);
}

/// Two names, a line each, compare the same both ways.
pub fn names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (one, other) = text.split_once('\n').unwrap_or((&text, &text));
    assert_eq!(compare_names(one, other), compare_names(other, one));
}

/// A QR text is walked to its end, with the CRC that it has and with the one that it should have.
#[expect(clippy::expect_used, reason = "a target panics where something does not hold")]
pub fn khqr(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let unsealed = format!("{text}6304");
    let sealed = format!("{unsealed}{:04X}", crc(unsealed.as_bytes()));
    assert!(crc_holds(&sealed), "our own CRC");
    for qr in [&*text, &*sealed] {
        let Ok(khqr) = Khqr::parse(qr) else { continue };
        assert!(crc_holds(qr));
        let length: usize = (0..100).filter_map(|tag| khqr.field(tag)).map(str::len).sum();
        assert!(length <= qr.len(), "fields come from the text");
        let _ = (khqr.amount(), khqr.currency(), khqr.bakong_account_id());
        khqr.differences("{}").expect("an object without fields is compared");
    }
}

/// CRC-16/CCITT-FALSE, bit by bit, so that it shares nothing with the client's.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}
