//! `payout otp`: the withdrawals that wait for a one-time password, with link and time left.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::awaiting_otp;
use crate::command::args::{BatchArgs, Global};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::{print, table};
use crate::command::place::Place;
use crate::config::Config;
use crate::desk::named_or_newest;
use crate::report::{ReportRow, grouped, plain};

pub(crate) async fn execute(
    args: &BatchArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let store = place.open_with_batches().await?;
    let batch = named_or_newest(&*store, args.batch.as_deref()).await?;
    let waiting = awaiting_otp(&*store, &batch).await?;
    let now = Timestamp::now();
    let text = if global.json {
        let waiting: Vec<_> = waiting.iter().map(|row| row_json(row, now)).collect();
        json!({ "batch": batch.name, "waiting": waiting }).to_string()
    } else if waiting.is_empty() {
        format!("Nothing in batch {} waits for a one-time password.", batch.name)
    } else {
        rows_text(&waiting, now)
    };
    print(&text)?;
    Ok(Exit::Done)
}

/// Whole seconds until the order closes; zero once it has.
fn seconds_left(row: &ReportRow, now: Timestamp) -> Option<i64> {
    row.otp_expires_at.map(|at| (at.as_second() - now.as_second()).max(0))
}

fn row_json(row: &ReportRow, now: Timestamp) -> Value {
    let currency = row.money.currency();
    json!({
        "row": row.row,
        "reference": row.reference,
        "out_trade_no": row.out_trade_no,
        "amount": plain(row.money.amount(), currency),
        "currency": currency.as_str(),
        "otp_url": row.otp_url,
        "otp_expires_at": row.otp_expires_at.map(|at| at.to_string()),
        "seconds_left": seconds_left(row, now),
    })
}

fn rows_text(waiting: &[ReportRow], now: Timestamp) -> String {
    let heading = ["row", "reference", "amount", "", "time left", "link"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for row in waiting {
        let currency = row.money.currency();
        let left = match seconds_left(row, now) {
            Some(0) => "over".to_owned(),
            Some(left) => format!("{}:{:02}", left / 60, left % 60),
            None => "unknown".to_owned(),
        };
        rows.push(vec![
            row.row.to_string(),
            row.reference.clone(),
            grouped(&plain(row.money.amount(), currency)),
            currency.to_string(),
            left,
            row.otp_url.clone().unwrap_or_else(|| "the gateway gave none".to_owned()),
        ]);
    }
    table(&rows, &[0, 2, 4])
}
