//! Numbers as people read them.

use kess_gateway::{Amount, Currency, Money};

/// The amount with all decimals of its currency and nothing else: `10.50`.
///
/// ```
/// use kess_gateway::Currency;
/// assert_eq!(payout_engine::report::plain("10.5".parse()?, &Currency::Usd), "10.50");
/// # Ok::<(), kess_gateway::Error>(())
/// ```
#[must_use]
pub fn plain(amount: Amount, currency: &Currency) -> String {
    match Money::new(amount, currency.clone()) {
        Ok(money) => {
            let text = money.to_string();
            text.split(' ').next().unwrap_or_default().to_owned()
        }
        Err(_) => amount.to_string(),
    }
}

/// A number of things: `1 row`, `2 rows`, `12,000 rows`.
#[must_use]
pub fn count(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(&count.to_string()))
}

/// A number with commas between thousands: `1,234,567.50`.
#[must_use]
pub fn grouped(number: &str) -> String {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let cases = [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("1234567.50", "1,234,567.50"),
            ("-1000", "-1,000"),
            ("-100", "-100"),
        ];
        for (number, expected) in cases {
            assert_eq!(grouped(number), expected);
        }
    }
}
