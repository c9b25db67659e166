//! The gateway's list of orders, as far as it is about one batch.
//!
//! Order numbers are derived from batch code, row and attempt, so a number in the list says which
//! row it pays, whether the store knows it or not.

use std::collections::HashMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::Seen;
use crate::{
    batch::{Batch, BatchState},
    gateway::OrderView,
};

/// The batch's orders as the gateway lists them, by row and attempt.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) orders: HashMap<(u64, u32), Seen>,
    /// Orders with the batch's code whose number no engine minted.
    pub(super) strange: Vec<(String, Seen)>,
}

impl Listing {
    /// Takes an order in, if it is one of the batch.
    pub(super) fn take(&mut self, batch: &Batch, order: OrderView) {
        let no = order.order_no.clone();
        let code = batch.code.as_str();
        let Some(rest) = no.strip_prefix(code).and_then(|rest| rest.strip_prefix('-')) else {
            return;
        };
        let minted = rest
            .split_once('-')
            .and_then(|(row, attempt)| Some((row.parse().ok()?, attempt.parse().ok()?)))
            .filter(|(row, attempt)| format!("{code}-{row}-{attempt}") == no);
        match minted {
            Some(key) => {
                self.orders.insert(key, Seen::of(order));
            }
            None => self.strange.push((no, Seen::of(order))),
        }
    }
}

/// The days whose orders are asked for. Whose days the gateway means is not documented, so there is
/// one more on each side.
pub(super) fn days(batch: &Batch, now: Timestamp) -> (Date, Date) {
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    let end = if batch.state == BatchState::Finished { batch.updated_at } else { now };
    let (first, last) = (day(batch.created_at), day(end));
    (first.yesterday().unwrap_or(first), last.tomorrow().unwrap_or(last))
}
