//! The table: what is wanted, what was measured, and whether that is enough.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::number::Number;

/// What a row of the table is about, and what is wanted of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    /// What parts call it.
    pub(super) id: &'static str,
    /// In words.
    pub(super) what: &'static str,
    /// Of the figure; a ratio has none.
    pub(super) unit: &'static str,
    /// What is wanted.
    pub(super) wanted: Wanted,
}

/// What is wanted of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// This or more.
    AtLeast(Number),
    /// This or less.
    AtMost(Number),
    /// Less than this.
    Below(Number),
    /// It is there to be known.
    Nothing,
}

/// What was measured for a target: one figure a round, or why there is none.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// A figure a round.
    pub(super) rounds: Vec<Number>,
    /// What stands behind the figures.
    pub(super) note: String,
    /// Why it was not measured.
    pub(super) missing: Option<String>,
}

/// What the table says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is what is wanted.
    Met,
    /// It is not.
    Short,
    /// Nothing was measured.
    NotMeasured,
    /// Nothing is wanted.
    Figure,
}

impl Verdict {
    /// In the table.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Short => "short",
            Self::NotMeasured => "not measured",
            Self::Figure => "",
        }
    }
}

impl Wanted {
    fn judge(self, figure: Number) -> Verdict {
        let is_met = match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
            Self::Below(limit) => figure < limit,
            Self::Nothing => return Verdict::Figure,
        };
        if is_met { Verdict::Met } else { Verdict::Short }
    }

    fn shown(self, unit: &str) -> String {
        let (words, number) = match self {
            Self::AtLeast(number) => ("at least", number),
            Self::AtMost(number) => ("at most", number),
            Self::Below(number) => ("below", number),
            Self::Nothing => return String::new(),
        };
        format!("{words} {}", with_unit(number, unit))
    }
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Row {
    target: Target,
    found: Found,
    median: Option<Number>,
}

impl Row {
    /// The row of a target.
    pub(super) fn new(target: Target, found: Found) -> Self {
        let median = Number::median(&found.rounds).filter(|_| found.missing.is_none());
        Self { target, found, median }
    }

    /// Whether it is enough.
    pub(super) fn verdict(&self) -> Verdict {
        self.median.map_or(Verdict::NotMeasured, |median| self.target.wanted.judge(median))
    }

    /// What, measured, from..to, wanted, verdict, note.
    fn cells(&self) -> [String; 6] {
        let Target { what, unit, wanted, .. } = self.target;
        let measured = self.median.map(|median| with_unit(median, unit)).unwrap_or_default();
        let (low, high) = (self.found.rounds.iter().min(), self.found.rounds.iter().max());
        let spread = match (low, high) {
            (Some(low), Some(high)) if self.found.rounds.len() > 1 => format!("{low}..{high}"),
            _ => String::new(),
        };
        let note = self.found.missing.as_ref().unwrap_or(&self.found.note);
        let verdict = self.verdict().as_str().to_owned();
        [what.to_owned(), measured, spread, wanted.shown(unit), verdict, note.clone()]
    }

    /// For machines.
    pub(super) fn json(&self) -> Value {
        let (wanted, number) = match self.target.wanted {
            Wanted::AtLeast(number) => (Some("at least"), Some(number)),
            Wanted::AtMost(number) => (Some("at most"), Some(number)),
            Wanted::Below(number) => (Some("below"), Some(number)),
            Wanted::Nothing => (None, None),
        };
        json!({
            "id": self.target.id,
            "what": self.target.what,
            "unit": self.target.unit,
            "measured": self.median,
            "rounds": self.found.rounds,
            "wanted": wanted,
            "than": number,
            "verdict": self.verdict().as_str(),
            "note": self.found.note,
            "missing": self.found.missing,
        })
    }
}

fn with_unit(number: Number, unit: &str) -> String {
    if unit.is_empty() { number.to_string() } else { format!("{number} {unit}") }
}

const HEADING: [&str; 6] = ["what", "measured", "from..to", "wanted", "verdict", "note"];

/// The table as text, in columns.
pub(super) fn text(rows: &[Row]) -> String {
    let lines: Vec<[String; 6]> =
        std::iter::once(HEADING.map(str::to_owned)).chain(rows.iter().map(Row::cells)).collect();
    let width = |column: usize| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
    };
    let widths = [0, 1, 2, 3, 4].map(width);
    let mut text = String::new();
    for [what, measured, spread, wanted, verdict, note] in &lines {
        let [a, b, c, d, e] = widths;
        let line = format!(
            "{what:<a$}  {measured:>b$}  {spread:>c$}  {wanted:<d$}  {verdict:<e$}  {note}"
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The table as Markdown.
pub(super) fn markdown(rows: &[Row]) -> String {
    let mut text = format!("| {} |\n|---|---:|---:|---|---|---|\n", HEADING.join(" | "));
    for row in rows {
        let mut cells = row.cells();
        if row.verdict() == Verdict::Short {
            cells[4] = "**short**".to_owned();
        }
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

/// How many rows are met, short, and not measured, in a sentence.
pub(super) fn verdicts(rows: &[Row]) -> String {
    let count = |verdict| rows.iter().filter(|row| row.verdict() == verdict).count();
    format!(
        "{} met, {} short, {} not measured",
        count(Verdict::Met),
        count(Verdict::Short),
        count(Verdict::NotMeasured)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(wanted: Wanted, rounds: &[u64]) -> Row {
        let target = Target { id: "a", what: "a | b", unit: "MiB", wanted };
        let rounds = rounds.iter().map(|&it| Number::thousandths(it)).collect();
        Row::new(target, Found { rounds, ..Found::default() })
    }

    #[test]
    fn the_median_is_held_against_what_is_wanted() {
        let eight = Number::thousandths(800);
        let judged = |wanted, rounds: &[u64]| row(wanted, rounds).verdict();
        assert_eq!(judged(Wanted::AtLeast(eight), &[900, 800, 100]), Verdict::Met);
        assert_eq!(judged(Wanted::AtLeast(eight), &[900, 799, 100]), Verdict::Short);
        assert_eq!(judged(Wanted::AtMost(eight), &[800]), Verdict::Met);
        assert_eq!(judged(Wanted::AtMost(eight), &[801]), Verdict::Short);
        assert_eq!(judged(Wanted::Below(eight), &[800]), Verdict::Short);
        assert_eq!(judged(Wanted::Nothing, &[800]), Verdict::Figure);
        assert_eq!(judged(Wanted::AtLeast(eight), &[]), Verdict::NotMeasured);
        let mut none = row(Wanted::AtLeast(eight), &[900]);
        none = Row::new(none.target, Found { missing: Some("why".to_owned()), ..none.found });
        assert_eq!(none.verdict(), Verdict::NotMeasured);
    }

    #[test]
    fn a_row_that_falls_short_says_so_itself() {
        let rows = [
            row(Wanted::AtLeast(Number::whole(1)), &[500, 700, 600]),
            row(Wanted::Nothing, &[1_500]),
        ];
        let text = text(&rows);
        assert!(text.contains("0.600 MiB"), "{text}");
        assert!(text.contains("0.500..0.700  at least 1 MiB  short"), "{text}");
        assert!(text.lines().all(|line| !line.ends_with(' ')), "{text:?}");
        let markdown = markdown(&rows);
        let line = "| a \\| b | 0.600 MiB | 0.500..0.700 | at least 1 MiB | **short** |  |";
        assert!(markdown.contains(line), "{markdown}");
        assert_eq!(verdicts(&rows), "0 met, 1 short, 0 not measured");
    }
}
