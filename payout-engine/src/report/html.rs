//! The report as one HTML page, for people who would rather look.
//!
//! The page asks nothing of the network: style and chart are in it. Everything that comes from a
//! file or from the gateway is escaped by the template engine. The template has three parts, so
//! that a page of a million rows is never held in memory.

use std::io::{self, Write};

use jiff::Timestamp;
use minijinja::{AutoEscape, Environment, Value, context};

use super::{ReportRow, plain};
use crate::payout::{BatchSummary, Outcome};

const TOP: &str = include_str!("top.html");
const ROW: &str = include_str!("row.html");
const BOTTOM: &str = "</tbody></table></main></body></html>\n";

/// Width of the chart, in its own units.
const CHART_WIDTH: u64 = 1000;

pub(super) struct Page<W: Write> {
    out: W,
    templates: Environment<'static>,
}

impl<W: Write> Page<W> {
    pub(super) fn begin(out: W, summary: &BatchSummary, now: Timestamp) -> io::Result<Self> {
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(|_| AutoEscape::Html);
        templates.add_template("top", TOP).map_err(io::Error::other)?;
        templates.add_template("row", ROW).map_err(io::Error::other)?;
        let mut page = Self { out, templates };
        page.render("top", head(summary, now))?;
        Ok(page)
    }

    pub(super) fn row(&mut self, row: &ReportRow) -> io::Result<()> {
        let reason = row.error.as_ref().or(row.warning.as_ref());
        let context = context! {
            row => row.row,
            reference => &row.reference,
            status => row.outcome.as_str(),
            label => label(row.outcome),
            amount => plain(row.money.amount(), row.money.currency()),
            currency => row.money.currency().as_str(),
            bic => row.bic(),
            account => row.masked_account(),
            holder_name => &row.holder_name,
            out_trade_no => &row.out_trade_no,
            reason => reason.map(|reason| &reason.message),
            otp_url => row.otp_url.as_deref().filter(|url| is_web_address(url)),
        };
        self.render("row", context)
    }

    pub(super) fn end(mut self) -> io::Result<()> {
        self.out.write_all(BOTTOM.as_bytes())?;
        self.out.flush()
    }

    fn render(&mut self, name: &str, context: Value) -> io::Result<()> {
        let template = self.templates.get_template(name).map_err(io::Error::other)?;
        let rendered = template.render(context).map_err(io::Error::other)?;
        self.out.write_all(rendered.as_bytes())
    }
}

/// Escaping does not stop `javascript:`; a link from a reply is a link only if it leads to a page.
fn is_web_address(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn head(summary: &BatchSummary, now: Timestamp) -> Value {
    let totals = summary.totals.iter().map(|(currency, total)| {
        let paid = total.of(Outcome::Paid);
        let open = total.requested.checked_sub(paid).unwrap_or_default();
        context! {
            currency => currency.as_str(),
            requested => plain(total.requested, currency),
            paid => plain(paid, currency),
            open => plain(open, currency),
        }
    });
    context! {
        batch => &summary.batch,
        rows => summary.rows,
        written => now.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        totals => totals.collect::<Vec<_>>(),
        bars => bars(summary),
        stopped => summary.stopped.as_ref().map(|stopped| &stopped.message),
        chart_width => CHART_WIDTH,
    }
}

/// The pieces of the chart: one for each outcome that occurs, as wide as its share of the rows.
fn bars(summary: &BatchSummary) -> Vec<Value> {
    let rows = summary.rows.max(1);
    let mut counted = 0;
    let mut bars = Vec::new();
    for &outcome in Outcome::ALL {
        let count = summary.count(outcome);
        if count == 0 {
            continue;
        }
        let start = counted * CHART_WIDTH / rows;
        counted += count;
        let width = (counted * CHART_WIDTH / rows - start).max(2);
        let (status, label) = (outcome.as_str(), label(outcome));
        bars.push(context! { status, label, count, start, width });
    }
    bars
}

/// An outcome in plain words.
fn label(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pending => "not sent yet",
        Outcome::Held => "needs a decision",
        Outcome::InDoubt => "in doubt",
        Outcome::AwaitingOtp => "waits for an OTP",
        Outcome::Processing => "in progress",
        Outcome::Paid => "paid",
        Outcome::Failed => "failed, not paid",
        Outcome::Expired => "expired, not paid",
        Outcome::Cancelled => "cancelled, not paid",
        Outcome::Reversed => "paid and given back",
        Outcome::Invalid => "invalid, not sent",
    }
}
