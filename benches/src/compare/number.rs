//! Figures without binary floating point: whole millionths of whatever is counted.

use std::fmt;

use serde::{Serialize, Serializer};

const ONE: u128 = 1_000_000;

/// A ratio, or so many seconds, MiB, calls a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(u64);

impl Number {
    /// So many thousandths.
    pub(super) const fn thousandths(count: u64) -> Self {
        Self(count * 1_000)
    }

    /// A whole number.
    pub(super) const fn whole(count: u64) -> Self {
        Self(count.saturating_mul(1_000_000))
    }

    /// One number divided by another, rounded down. By nothing, it is as large as can be.
    pub(super) fn ratio(of: u128, to: u128) -> Self {
        let millionths = of.saturating_mul(ONE).checked_div(to);
        Self(millionths.and_then(|it| u64::try_from(it).ok()).unwrap_or(u64::MAX))
    }

    /// This one divided by another.
    pub(super) fn over(self, other: Self) -> Self {
        Self::ratio(self.0.into(), other.0.into())
    }

    /// So many of them.
    pub(super) const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// The number without what follows its point.
    pub(super) const fn floor(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Reads digits with at most one point, as other programs print them.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(part) {
            return None;
        }
        let part: u64 = format!("{part:0<6.6}").parse().ok()?;
        whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(part).map(Self)
    }

    /// The one in the middle; of an even number, the mean of the two there.
    pub(super) fn median(of: &[Self]) -> Option<Self> {
        let mut sorted = of.to_vec();
        sorted.sort_unstable();
        let high = *sorted.get(sorted.len() / 2)?;
        let low = if sorted.len().is_multiple_of(2) { sorted[sorted.len() / 2 - 1] } else { high };
        Some(Self(low.0 + (high.0 - low.0) / 2))
    }
}

impl fmt::Display for Number {
    /// With three digits that say something, or all of a large one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = match self.0 {
            whole if whole % 1_000_000 == 0 => 0,
            0..1_000_000 => 3,
            1_000_000..10_000_000 => 2,
            10_000_000..100_000_000 => 1,
            _ => 0,
        };
        let scaled = self.0 / 10_u64.pow(6 - decimals);
        let (whole, part) = (scaled / 10_u64.pow(decimals), scaled % 10_u64.pow(decimals));
        let whole = grouped(whole);
        let text = match decimals {
            0 => whole,
            decimals => format!("{whole}.{part:0width$}", width = decimals as usize),
        };
        f.pad(&text)
    }
}

impl Serialize for Number {
    /// As decimal text, so that nobody reads it inexactly.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000))
    }
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_exact_to_the_millionth_and_never_rounded_up() {
        assert_eq!(Number::ratio(2, 3), Number(666_666));
        assert_eq!(Number::ratio(1, 0), Number(u64::MAX));
        assert_eq!(Number::whole(3).over(Number::thousandths(1_500)), Number::whole(2));
        // 0.7999996 must not look like 0.8.
        assert_eq!(Number(799_999).to_string(), "0.799");
    }

    #[test]
    fn three_digits_are_shown() {
        let shown = |millionths| Number(millionths).to_string();
        assert_eq!(shown(0), "0");
        assert_eq!(shown(12_345), "0.012");
        assert_eq!(shown(1_234_567), "1.23");
        assert_eq!(shown(2_000_000), "2");
        assert_eq!(shown(12_345_678), "12.3");
        assert_eq!(shown(123_456_789), "123");
        assert_eq!(shown(38_600_000_000), "38,600");
        assert_eq!(shown(1_234_567_000_000), "1,234,567");
        assert_eq!(format!("{:>6}", Number::thousandths(800)), " 0.800");
    }

    #[test]
    fn what_other_programs_print_is_read() {
        assert_eq!(Number::parse(" 0.77\n"), Some(Number::thousandths(770)));
        assert_eq!(Number::parse("12"), Some(Number::whole(12)));
        assert_eq!(Number::parse("0.0000175"), Some(Number(17)));
        for bad in ["", ".5", "-1", "1e3", "1.2.3", "x"] {
            assert_eq!(Number::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_median_is_the_middle() {
        let numbers =
            |values: &[u64]| values.iter().map(|&it| Number::whole(it)).collect::<Vec<_>>();
        assert_eq!(Number::median(&numbers(&[9, 1, 5])), Some(Number::whole(5)));
        assert_eq!(Number::median(&numbers(&[4, 1, 9, 5])), Some(Number::thousandths(4_500)));
        assert_eq!(Number::median(&[]), None);
    }
}
