//! One batch in memory: its rows, and the sums that are moved with every transition.

use super::*;

impl Kept {
    pub(super) fn new(batch: Batch) -> Self {
        Self {
            batch,
            fence: 1,
            runners: Runners::default(),
            interrupted: false,
            elapsed: Duration::ZERO,
            rows: BTreeMap::new(),
            sums: BTreeMap::new(),
            requested: None,
        }
    }

    pub(super) fn append(&mut self, new: &NewPayout, now: Timestamp) -> Result<(), Error> {
        let is_valid = new.invalid.is_none();
        let taken = self.rows.values().any(|row| {
            row.payout.row == new.row
                || (is_valid
                    && row.payout.state != State::Invalid
                    && row.reference == new.reference)
        });
        if taken {
            return Err(Error::row(new.row, "a reference or record number is repeated"));
        }
        let mut payout = Payout::new(new.row, new.money.clone(), whole_millis(now));
        if !is_valid {
            payout.state = State::Invalid;
            payout.next_at = None;
            payout.reason = new.invalid.clone();
        }
        self.add(&payout, payout.outcome(), 1)?;
        let record = PayoutRecord {
            payout,
            line: new.line,
            reference: new.reference.clone(),
            payee: Some(new.payee.clone()),
            body: new.body.clone(),
            extra: new.extra.clone(),
            updated_at: now,
        };
        self.rows.insert(new.row, Arc::new(record));
        Ok(())
    }

    pub(super) fn write(
        &mut self,
        lease: &Lease,
        transition: &Transition,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (from, payout) = (transition.from, &transition.payout);
        let not_as_read = || Error::books(format!("row {} is not as it was read", payout.row));
        let row = Arc::make_mut(self.rows.get_mut(&payout.row).ok_or_else(not_as_read)?);
        let is_free = self.runners.may(lease, payout.row);
        if row.payout.version != payout.version || row.payout.outcome() != from || !is_free {
            return Err(not_as_read());
        }
        let (number, money) = (row.payout.row, row.payout.money.clone());
        row.payout = Payout { row: number, money, ..rounded(payout.clone()) };
        row.payout.version += 1;
        row.updated_at = now;
        let written = row.payout.clone();
        if written.next_at.is_none() {
            self.runners.release(written.row);
        }
        self.move_sum(&written, from, written.outcome())
    }

    pub(super) fn move_sum(
        &mut self,
        payout: &Payout,
        from: Outcome,
        to: Outcome,
    ) -> Result<(), Error> {
        self.add(payout, from, -1)?;
        self.add(payout, to, 1)
    }

    fn add(&mut self, payout: &Payout, outcome: Outcome, rows: i64) -> Result<(), Error> {
        let key = (payout.money.currency().clone(), outcome);
        let sum = self.sums.entry(key).or_default();
        let amount = payout.money.amount();
        let moved = if rows < 0 { sum.1.checked_sub(amount) } else { sum.1.checked_add(amount) };
        let moved = moved.filter(|left| *left >= Amount::default() && sum.0 + rows >= 0);
        let moved = moved.ok_or_else(|| Error::books(format!("more left `{outcome}` than was")))?;
        *sum = (sum.0 + rows, moved);
        Ok(())
    }

    /// requested = the sum over all outcomes, in rows and in money.
    pub(super) fn add_up(&self) -> Result<(), Error> {
        match &self.requested {
            Some(requested) if *requested != self.by_currency() => {
                Err(Error::books("the sums are not what was requested"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn by_currency(&self) -> BTreeMap<Currency, (i64, Amount)> {
        let mut all: BTreeMap<Currency, (i64, Amount)> = BTreeMap::new();
        for ((currency, _), (rows, amount)) in &self.sums {
            let sum = all.entry(currency.clone()).or_default();
            *sum = (sum.0 + rows, sum.1.checked_add(*amount).unwrap());
        }
        all
    }

    pub(super) fn summary(&self) -> BatchSummary {
        let mut summary = BatchSummary {
            batch: self.batch.name.clone(),
            rows: 0,
            counts: BTreeMap::new(),
            totals: BTreeMap::new(),
            elapsed: self.elapsed,
            stopped: self.batch.stopped.clone(),
            interrupted: self.interrupted,
            cancelled: self.batch.cancelled.clone(),
        };
        for ((currency, outcome), (rows, amount)) in self.sums.iter().filter(|(_, sum)| sum.0 > 0) {
            let rows = u64::try_from(*rows).unwrap();
            summary.rows += rows;
            *summary.counts.entry(*outcome).or_default() += rows;
            let total = summary.totals.entry(currency.clone()).or_default();
            total.requested = total.requested.checked_add(*amount).unwrap();
            total.by_outcome.insert(*outcome, *amount);
        }
        summary
    }

    /// The rows themselves, against the sums kept of them.
    pub(super) fn audit(&self) -> Result<(), Error> {
        let mut counted = Self::new(self.batch.clone());
        for row in self.rows.values() {
            counted.add(&row.payout, row.payout.outcome(), 1)?;
        }
        let kept = self.sums.iter().filter(|(_, sum)| sum.0 > 0);
        if kept.eq(counted.sums.iter()) {
            return self.add_up();
        }
        Err(Error::books("the rows are not the sums kept of them"))
    }
}

/// Times are kept to the millisecond.
fn whole_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap()
}

fn rounded(mut payout: Payout) -> Payout {
    payout.next_at = payout.next_at.map(whole_millis);
    payout.watched_since = payout.watched_since.map(whole_millis);
    payout.expires_at = payout.expires_at.map(whole_millis);
    if let Some(order) = &mut payout.order {
        order.sent_at = order.sent_at.map(whole_millis);
        order.not_found_at = order.not_found_at.map(whole_millis);
    }
    payout
}

pub(super) fn wake(payout: &mut Payout, now: Timestamp) {
    let waits = !payout.outcome().is_final() && payout.outcome() != Outcome::Held;
    let is_fresh = payout.next_at.is_some_and(|at| at <= now)
        && payout.tries == 0
        && payout.watched_since.is_none();
    if waits && !is_fresh {
        payout.next_at = Some(whole_millis(now));
        payout.tries = 0;
        payout.watched_since = None;
        payout.version += 1;
    }
}
