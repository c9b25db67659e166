//! How the store reads and changes what it keeps: as one transaction, by a runner that may.

use super::*;

impl MemoryStore {
    pub(super) fn lock(&self, runner: &str) -> Result<Lock, Error> {
        if self.is_shared {
            return Ok(Lock(Arc::default()));
        }
        let mut holder = self.holder.lock().unwrap();
        if let Some(holder) = &*holder {
            return Err(Error::locked(holder.clone()));
        }
        *holder = Some(runner.to_owned());
        drop(holder);
        Ok(Lock(Arc::clone(&self.holder)))
    }

    pub(super) fn begin(
        &self,
        new: &NewBatch,
        gateway: &GatewayIdentity,
        code: BatchCode,
        runner: &str,
        now: Timestamp,
    ) -> Result<Lease, Error> {
        let lock = self.lock(runner)?;
        let mut disk = self.disk();
        disk.batches.retain(|_, kept| kept.batch.state != BatchState::Loading);
        if disk.batches.values().any(|kept| kept.batch.name == new.name) {
            return Err(Error::batch_state(&new.name, "exists already"));
        }
        disk.made += 1;
        let id = BatchId::new(disk.made);
        let batch = Batch {
            id,
            name: new.name.clone(),
            code,
            state: BatchState::Loading,
            options: new.options.clone(),
            gateway: gateway.clone(),
            source: new.source.clone(),
            rows: 0,
            stopped: None,
            purged_at: None,
            moved: None,
            lease: None,
            cancelled: None,
            paused: new.paused_by.clone().map(|by| PauseRequest { at: now, by }),
            created_at: now,
            updated_at: now,
        };
        let mut kept = Kept::new(batch);
        kept.runners.join(1, now);
        disk.batches.insert(id, kept);
        Ok(Lease::new(id, &new.name, 1, lock))
    }

    pub(super) fn take_over(
        &self,
        batch: &Batch,
        runner: &str,
        now: Timestamp,
    ) -> Result<Lease, Error> {
        let lock = self.lock(runner)?;
        let mut disk = self.disk();
        let kept = disk.batches.get_mut(&batch.id);
        let kept = kept.filter(|kept| kept.batch.state != BatchState::Loading);
        let Some(kept) = kept else {
            return Err(Error::batch_state(&batch.name, "was never loaded completely"));
        };
        kept.fence += 1;
        kept.batch.updated_at = now;
        if self.is_shared {
            kept.reap(now);
        } else {
            kept.runners = Runners::default();
        }
        kept.runners.join(kept.fence, now);
        Ok(Lease::new(batch.id, &batch.name, kept.fence, lock))
    }

    /// One transaction: `change` works on the batch if the lease is the newest one, and if it fails
    /// it has changed nothing.
    pub(super) fn transact<T>(
        &self,
        lease: &Lease,
        now: Timestamp,
        change: impl FnOnce(&mut Kept) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut disk = self.disk();
        let kept = disk.batches.get_mut(&lease.batch);
        let Some(kept) = kept.filter(|kept| kept.runners.has(lease.fence)) else {
            return Err(Error::fenced(&lease.name));
        };
        let before = kept.clone();
        let changed = change(kept).and_then(|done| kept.add_up().map(|()| done));
        match &changed {
            Ok(_) => kept.batch.updated_at = now,
            Err(_) => *kept = before,
        }
        changed
    }

    pub(super) fn read<T>(
        &self,
        batch: BatchId,
        look: impl FnOnce(&Kept) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match self.disk().batches.get(&batch) {
            Some(kept) => look(kept),
            None => Err(Error::no_such_batch(None)),
        }
    }

    pub(super) fn hold(&self, lease: &Lease, now: Timestamp) -> Result<u64, Error> {
        let paid_elsewhere: HashSet<String> = self
            .disk()
            .batches
            .values()
            .filter(|kept| kept.batch.id != lease.batch)
            .flat_map(|kept| kept.rows.values())
            .filter(|row| row.payout.outcome().may_have_moved_money())
            .map(|row| row.reference.clone())
            .collect();
        self.transact(lease, now, |kept| {
            let mut held = Vec::new();
            let runners = &kept.runners;
            let free = |row: &&mut Arc<PayoutRecord>| runners.may(lease, row.payout.row);
            for row in kept.rows.values_mut().filter(free) {
                let released = row
                    .payout
                    .decisions
                    .iter()
                    .any(|it| it.about == "duplicate" && it.ruling == Ruling::Released);
                let is_pending = row.payout.outcome() == Outcome::Pending;
                if !is_pending || released || !paid_elsewhere.contains(&row.reference) {
                    continue;
                }
                let row = Arc::make_mut(row);
                let payout = &mut row.payout;
                payout.state = State::Held;
                payout.next_at = None;
                payout.reason = Some(Reason::new("duplicate", "paid by another batch"));
                payout.version += 1;
                row.updated_at = now;
                held.push(payout.clone());
            }
            for payout in &held {
                kept.move_sum(payout, Outcome::Pending, Outcome::Held)?;
            }
            Ok(held.len() as u64)
        })
    }
}
