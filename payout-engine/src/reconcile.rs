//! Reconciliation: the store's ledger against the gateway's, row by row and by the list of orders.
//!
//! It reads, on both sides, and writes nothing: a row that is still open is left to a run, which
//! has the core's rules about when to believe what. Two questions catch different things:
//! `queryOrder` for every row that has an order number says how the orders stand that the store
//! knows, and `queryorderbydaterange` shows those that it does not know.
//!
//! Invariant: no difference where the batch's money is the same on both sides and nothing is open
//! on one side only; and where the gateway did not answer, that is a difference too.

use std::{collections::HashMap, sync::Arc};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use crate::{
    batch::{Batch, BatchState},
    cancel::Cancel,
    dispatch::{Gate, Service, Verdict},
    error::Error,
    event::EngineEvent,
    gateway::{CallError, Gateway, OrderView},
    order_no::OrderNo,
    pages::pages,
    payout::{Reason, StopCause, Stopped},
    policy::Policy,
    store::{PayoutRecord, Store},
    turn::{Halt, Run},
};

mod difference;
mod listing;

pub use difference::{Difference, DifferenceKind, Seen};
use difference::{has_money, present_order};
use listing::{Listing, days};

/// How the ledgers compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// Rows in the store.
    pub rows: u64,
    /// Rows with an order number, each of which was asked about.
    pub asked: u64,
    /// Orders of this batch in the gateway's list.
    pub listed: u64,
    /// What they disagree on, in the order of the rows.
    pub differences: Vec<Difference>,
    /// The cause for which the comparison was given up, if it was.
    pub stopped: Option<Stopped>,
}

/// Compares a batch in the store with the gateway, with the batch's own concurrency and rate.
///
/// While somebody runs the batch the two sides are seen at different moments, and differences that
/// are none have to be expected.
///
/// # Errors
/// The batch belongs to another gateway, or the store cannot be read.
pub async fn reconcile(
    store: &dyn Store,
    batch: &Batch,
    gateway: &dyn Gateway,
    policy: &Policy,
    cancel: &Cancel,
) -> Result<Reconciliation, Error> {
    let configured = gateway.identity();
    if batch.gateway != configured {
        return Err(Error::other_gateway(&batch.name, &batch.gateway, &configured));
    }
    let (concurrency, rate) = (batch.options.concurrency, batch.options.rate);
    let nobody = Arc::new(|_: &EngineEvent| {});
    let pace = store.pace(&batch.gateway);
    let gate = Gate::new(policy.clone(), concurrency, rate, nobody, pace);
    let halt = Halt::new(cancel.clone(), false);
    let ledgers = Ledgers { batch, gateway, policy, gate, halt };
    ledgers.compare(store).await
}

/// The latest attempt at each row of a run's batch that the gateway lists, or why its list cannot
/// be read.
pub(crate) async fn latest_attempts(run: &Run) -> Result<HashMap<u64, u32>, Stopped> {
    // Whatever the store says, orders may have been made until now.
    let batch = Batch { state: BatchState::Running, ..run.batch.clone() };
    let gate = Arc::clone(&run.gate);
    let halt = Halt::new(run.halt.asked(), false);
    let ledgers =
        Ledgers { batch: &batch, gateway: &*run.gateway, policy: &run.policy, gate, halt };
    let listing = ledgers.list().await.map_err(|reason| {
        let cause = ledgers.halt.cause().map_or(StopCause::Outage, |stopped| stopped.cause);
        let message = format!(
            "the store is an older copy, and the gateway's list of orders cannot be read ({}); \
             nothing was sent, try `payout resume` later",
            reason.with_code()
        );
        Stopped { cause, message }
    })?;
    let mut latest = HashMap::new();
    for (row, attempt) in listing.orders.into_keys() {
        let known: &mut u32 = latest.entry(row).or_default();
        *known = attempt.max(*known);
    }
    Ok(latest)
}

struct Ledgers<'a> {
    batch: &'a Batch,
    gateway: &'a dyn Gateway,
    policy: &'a Policy,
    gate: Arc<Gate>,
    halt: Halt,
}

impl Ledgers<'_> {
    async fn compare(&self, store: &dyn Store) -> Result<Reconciliation, Error> {
        let mut found = Vec::new();
        let listing = match self.list().await {
            Ok(listing) => Some(listing),
            Err(reason) => {
                let message = format!("the gateway's list of orders: {}", reason.message);
                found.push(Difference::about(DifferenceKind::Unanswered, None, None, message));
                None
            }
        };
        let is_listed = listing.is_some();
        let mut listing = listing.unwrap_or_default();
        let listed = (listing.orders.len() + listing.strange.len()) as u64;
        let (mut rows, mut asked) = (0, 0);
        let mut pages = pages(store, self.batch.id);
        while let Some(page) = pages.next().await? {
            let answers = stream::iter(page)
                .map(|record| async {
                    let answer = self.ask(&record).await;
                    (record, answer)
                })
                .buffered(self.batch.options.concurrency.max(1))
                .collect::<Vec<_>>()
                .await;
            for (record, answer) in answers {
                rows += 1;
                asked += u64::from(record.payout.order.is_some());
                found.extend(self.judge(&record, answer, is_listed, &mut listing));
            }
            if self.halt.is_raised() {
                break;
            }
        }
        if !self.halt.is_raised() {
            found.extend(self.unknown(listing));
        }
        let stopped = self.halt.cause().cloned();
        Ok(Reconciliation { rows, asked, listed, differences: found, stopped })
    }

    /// How the row's order stands at the gateway; `None` where the row has none.
    async fn ask(&self, record: &PayoutRecord) -> Option<Result<Option<Seen>, Reason>> {
        let no = &record.payout.order.as_ref()?.no;
        let mut failed = given_up();
        for tries in 0..self.policy.tries.max(1) {
            let answer = tokio::select! {
                () = self.halt.raised() => return Some(Err(failed)),
                answer = self.query(no) => answer,
            };
            match answer {
                Ok(view) if view.order_no == no.as_str() => return Some(Ok(Some(Seen::of(view)))),
                Ok(_) => {
                    failed = Reason::new("order_mismatch", "it answered about another order");
                }
                Err(CallError::NotFound(_)) => return Some(Ok(None)),
                Err(error) => failed = error.reason().clone(),
            }
            self.wait(tries, record.payout.row).await;
        }
        Some(Err(failed))
    }

    async fn query(&self, no: &OrderNo) -> Result<OrderView, CallError> {
        let pass = self.gate.pass().await;
        let answer = self.gateway.query(no).await;
        let error = answer.as_ref().err();
        self.heed(pass.report(Service::Query, error), error);
        answer
    }

    /// Stops the comparison where a call's end concerns every row.
    fn heed(&self, verdict: Verdict, error: Option<&CallError>) {
        match (verdict, error) {
            (_, Some(CallError::Stop { cause, reason })) => {
                self.halt.stop(*cause, reason.message.clone());
            }
            (Verdict::Outage(reason), _) => {
                let message = format!("the gateway does not answer ({})", reason.message);
                self.halt.stop(StopCause::Outage, message);
            }
            (Verdict::GoOn, _) => {}
        }
    }

    async fn wait(&self, tries: u32, salt: u64) {
        tokio::select! {
            () = self.halt.raised() => {}
            () = tokio::time::sleep(self.policy.retry.pause(tries, salt)) => {}
        }
    }

    /// The batch's orders in the list of its days. A list that breaks off is begun again.
    async fn list(&self) -> Result<Listing, Reason> {
        let mut failed = given_up();
        for tries in 0..self.policy.tries.max(1) {
            let listing = tokio::select! {
                () = self.halt.raised() => break,
                listing = self.list_once() => listing,
            };
            match listing {
                Ok(listing) => return Ok(listing),
                Err(error) => failed = error.reason().clone(),
            }
            self.wait(tries, 0).await;
        }
        Err(failed)
    }

    async fn list_once(&self) -> Result<Listing, CallError> {
        let mut listing = Listing::default();
        let (first, last) = days(self.batch, Timestamp::now());
        let mut pages = self.gateway.orders(first, last);
        loop {
            let pass = self.gate.pass().await;
            let Some(page) = pages.next().await else { return Ok(listing) };
            let error = page.as_ref().err();
            self.heed(pass.report(Service::Orders, error), error);
            match page {
                Ok(orders) => {
                    orders.into_iter().for_each(|order| listing.take(self.batch, order));
                }
                Err(CallError::NotFound(_)) => return Ok(listing),
                Err(error) => return Err(error),
            }
        }
    }

    /// What is to be said about a row; its orders leave the listing.
    fn judge(
        &self,
        record: &PayoutRecord,
        answer: Option<Result<Option<Seen>, Reason>>,
        is_listed: bool,
        listing: &mut Listing,
    ) -> Vec<Difference> {
        let mut found = Vec::new();
        let payout = &record.payout;
        let present = payout.order.as_ref().map(|order| &order.no);
        for attempt in 1..=payout.attempt {
            let no = OrderNo::mint(&self.batch.code, payout.row, attempt);
            let listed = listing.orders.remove(&(payout.row, attempt));
            if Some(&no) == present {
                found.extend(present_order(record, &no, answer.as_ref(), is_listed, listed));
            } else if let Some(seen) = listed.filter(|seen| has_money(&seen.status)) {
                let message = format!("attempt {attempt} is {} at the gateway", seen.status.trim());
                let no = Some(no.to_string());
                found.push(
                    Difference::about(DifferenceKind::EarlierAttempt, no, Some(seen), message)
                        .of(record),
                );
            }
        }
        found
    }

    fn unknown(&self, listing: Listing) -> Vec<Difference> {
        let minted = listing.orders.into_iter().map(|((row, attempt), seen)| {
            (OrderNo::mint(&self.batch.code, row, attempt).to_string(), seen)
        });
        let mut orders: Vec<_> = minted.chain(listing.strange).collect();
        orders.sort_by(|one, other| one.0.cmp(&other.0));
        let difference = |(no, seen): (String, Seen)| {
            let message = "the store does not know this order of the batch".to_owned();
            Difference::about(DifferenceKind::UnknownOrder, Some(no), Some(seen), message)
        };
        orders.into_iter().map(difference).collect()
    }
}

fn given_up() -> Reason {
    Reason::new("given_up", "the comparison was given up before it was asked")
}
