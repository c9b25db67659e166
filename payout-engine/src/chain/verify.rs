//! Holds a log against itself, and against the batch and the rows it tells about.
//!
//! A store feeds it: first every entry in the log's order ([`Walk`]), then the entries of each row
//! beside the row as it stands ([`RowWalk`]). Memory does not grow with the log.
//!
//! Invariant: whoever changes an entry or a row without the other, and cannot write the whole chain
//! anew, is found.

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;

use super::{Creation, Entry, Facts, LogEvent, LogHash, Requested, Salt, seal_of_record};
use crate::{
    batch::{Batch, BatchState, Departure, PauseRequest},
    error::Error,
    store::PayoutRecord,
};

/// What an audit of a batch's event log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogAudit {
    /// Entries in the log, as far as it could be followed.
    pub events: u64,
    /// The hash of the last of them: it stands for all of them and is worth noting elsewhere.
    pub head: LogHash,
    /// The entry whose hash is the one that was noted earlier; 0 is the beginning of the chain.
    pub noted: Option<u64>,
    /// The first thing that is not as it has to be.
    pub broken: Option<Broken>,
}

/// Something in a batch that its log does not account for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The entry of the log, where it is about one.
    pub event: Option<u64>,
    /// The row, where it is about one.
    pub row: Option<u64>,
    /// What is wrong, in one line.
    pub problem: String,
}

impl Broken {
    pub(crate) fn batch(problem: impl Into<String>) -> Self {
        Self { event: None, row: None, problem: problem.into() }
    }

    pub(crate) fn row(row: u64, problem: impl Into<String>) -> Self {
        Self { event: None, row: Some(row), problem: problem.into() }
    }

    fn event(event: u64, row: Option<u64>, problem: impl Into<String>) -> Self {
        Self { event: Some(event), row, problem: problem.into() }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.event, self.row) {
            (Some(event), Some(row)) => write!(f, "event {event}, row {row}: ")?,
            (Some(event), None) => write!(f, "event {event}: ")?,
            (None, Some(row)) => write!(f, "row {row}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.problem)
    }
}

/// An audit that ended early: something is broken, or the store could not be read.
pub(crate) enum Halt {
    Broken(Broken),
    Failed(Error),
}

impl From<Broken> for Halt {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What the store says of the batch itself.
pub(crate) struct Books {
    pub(crate) batch: Batch,
    pub(crate) fence: i64,
    pub(crate) runner: String,
    pub(crate) interrupted: bool,
    pub(crate) restored_at: Option<i64>,
    pub(crate) requested: Vec<Requested>,
    /// Length and head of the chain; `None` where the batch has no log.
    pub(crate) log: Option<(i64, LogHash)>,
    pub(crate) salt: Option<Salt>,
}

/// Follows the chain from its beginning.
pub(crate) struct Walk {
    pub(crate) head: LogHash,
    pub(crate) events: u64,
    pub(crate) noted_at: Option<u64>,
    pub(crate) purged: bool,
    noted: Option<LogHash>,
    created: Option<(i64, Box<Creation>)>,
    completed: Option<(u64, Vec<Requested>)>,
    /// The newest runner's.
    fence: i64,
    /// Those of all who are at it.
    present: BTreeSet<i64>,
    runner: String,
    state: BatchState,
    cause: Option<String>,
    interrupted: bool,
    cancelled: Option<(i64, LogEvent)>,
    paused: Option<PauseRequest>,
    departed: Option<Departure>,
    restored_at: Option<i64>,
}

impl Walk {
    pub(crate) fn new(genesis: LogHash, noted: Option<LogHash>) -> Self {
        Self {
            head: genesis,
            events: 0,
            noted_at: (noted == Some(genesis)).then_some(0),
            purged: false,
            noted,
            created: None,
            completed: None,
            fence: 1,
            present: BTreeSet::from([1]),
            runner: String::new(),
            state: BatchState::Loading,
            cause: None,
            interrupted: false,
            cancelled: None,
            paused: None,
            departed: None,
            restored_at: None,
        }
    }

    /// The next entry, as it is stored.
    pub(crate) fn take(&mut self, seq: u64, text: &str, hash: LogHash) -> Result<(), Broken> {
        let expected = self.events + 1;
        if seq != expected {
            return Err(Broken::event(expected, None, "is missing from the log"));
        }
        let parsed = serde_json::from_str::<Entry>(text);
        let row = parsed.as_ref().ok().and_then(|entry| entry.row);
        if self.head.next(text) != hash {
            let problem = "was changed, or one before it was taken out, added or moved: its hash \
                           does not follow from its text and the hash before it";
            return Err(Broken::event(seq, row, problem));
        }
        let entry = parsed
            .map_err(|error| Broken::event(seq, None, format!("cannot be understood: {error}")))?;
        let problem = |problem: &str| Broken::event(seq, row, problem);
        let is_next = match entry.event {
            LogEvent::Leased { .. } | LogEvent::Joined { .. } => entry.fence > self.fence,
            // Whoever asks is no runner, and whoever is gone does not write that down itself.
            LogEvent::CancelRequested { .. }
            | LogEvent::Paused { .. }
            | LogEvent::Unpaused { .. }
            | LogEvent::Left { .. }
            | LogEvent::Arrived { .. }
            | LogEvent::Restored => {
                entry.fence == self.fence || self.present.contains(&entry.fence)
            }
            _ => self.present.contains(&entry.fence),
        };
        if !is_next {
            return Err(problem("was written by a runner that did not hold the batch"));
        }
        let may_be = match entry.event {
            LogEvent::Arrived { .. } => self.departed.is_some(),
            // Whoever carries it takes it over, and forgets its people.
            LogEvent::Leased { .. }
            | LogEvent::Joined { .. }
            | LogEvent::Left { .. }
            | LogEvent::Restored
            | LogEvent::Purged => true,
            _ => self.departed.is_none(),
        };
        if !may_be {
            return Err(problem("is of a time in which the batch was in another store"));
        }
        (self.head, self.events, self.fence) = (hash, seq, self.fence.max(entry.fence));
        if self.noted == Some(hash) {
            self.noted_at = Some(seq);
        }
        if (seq == 1) != matches!(entry.event, LogEvent::Created(_)) {
            return Err(problem("is not where a log begins"));
        }
        self.apply(entry);
        Ok(())
    }

    fn apply(&mut self, entry: Entry) {
        match entry.event {
            LogEvent::Created(creation) => {
                self.runner.clone_from(&creation.runner);
                self.created = Some((entry.at, creation));
            }
            LogEvent::Completed { rows, requested } => {
                self.completed = Some((rows, requested));
                self.state = BatchState::Ready;
            }
            LogEvent::Leased { runner } => {
                self.runner = runner;
                self.present = BTreeSet::from([entry.fence]);
            }
            LogEvent::Joined { runner } => {
                self.runner = runner;
                self.present.insert(entry.fence);
            }
            LogEvent::Left { runner } => {
                self.present.remove(&runner);
            }
            LogEvent::Paused { by } => {
                // A time that is no time was not written by a store.
                let at = Timestamp::from_millisecond(entry.at).unwrap_or_default();
                self.paused = Some(PauseRequest { at, by });
            }
            LogEvent::Unpaused { .. } => self.paused = None,
            LogEvent::State { state, cause, interrupted } => {
                (self.state, self.cause, self.interrupted) = (state, cause, interrupted);
            }
            LogEvent::CancelRequested { .. } => self.cancelled = Some((entry.at, entry.event)),
            LogEvent::Departed { to } => {
                let at = Timestamp::from_millisecond(entry.at).unwrap_or_default();
                self.departed = Some(Departure { at, to, was: self.state });
                self.state = BatchState::Moved;
            }
            LogEvent::Arrived { .. } => {
                if let Some(departed) = self.departed.take() {
                    self.state = departed.arrives();
                }
                // Whoever carried it does not run it.
                self.present.clear();
            }
            LogEvent::Restored => self.restored_at = Some(entry.at),
            LogEvent::Purged => self.purged = true,
            LogEvent::Loaded { .. } | LogEvent::Moved { .. } | LogEvent::Woken => {}
        }
    }

    /// After the last entry: the chain is as long as the batch says, and the batch is as it tells.
    pub(crate) fn end(&self, books: &Books) -> Result<(), Broken> {
        let Some((count, head)) = books.log else {
            let problem = "has no event log: it was loaded by a version that kept none, or the log \
                           was removed";
            return Err(Broken::batch(problem));
        };
        if u64::try_from(count) != Ok(self.events) || head != self.head {
            let problem = format!(
                "the batch counts {count} events, the log ends with event {}: its end was cut off, \
                 added to or rewritten",
                self.events
            );
            return Err(Broken::batch(problem));
        }
        if self.noted.is_some() && self.noted_at.is_none() {
            let problem = "the noted head is not part of this log: the log was rewritten or cut \
                           since, or the head is that of another batch";
            return Err(Broken::batch(problem));
        }
        self.batch_follows(books)
    }

    /// Whether the batch is as the log tells.
    fn batch_follows(&self, books: &Books) -> Result<(), Broken> {
        let batch = &books.batch;
        let Some((created_at, told)) = &self.created else {
            return Err(Broken::batch("the log does not tell how the batch was begun"));
        };
        let requested = match &self.completed {
            Some((rows, requested)) => *rows == batch.rows && *requested == books.requested,
            None => batch.state == BatchState::Loading && books.requested.is_empty(),
        };
        let cause = batch.stopped.as_ref().map(|stopped| stopped.cause.to_string());
        let holds = [
            ("name", told.name == batch.name),
            ("code", told.code == batch.code.as_str()),
            ("gateway", told.base_url == batch.gateway.base_url),
            ("seller", told.seller_code == batch.gateway.seller_code),
            ("source", told.source == batch.source),
            ("options", told.options == batch.options),
            ("time of creation", *created_at == batch.created_at.as_millisecond()),
            ("number of rows, or what it requested,", requested),
            ("runner", self.fence == books.fence && self.runner == books.runner),
            ("state", self.state == batch.state && self.interrupted == books.interrupted),
            ("cause to stop", self.cause == cause),
            ("request to cancel", self.cancel_follows(books)),
            ("pause", self.paused == batch.paused),
            ("mark that it was moved", self.departed == batch.moved),
            ("time of restoration", self.restored_at == books.restored_at),
            ("salt", books.salt.is_some() != self.purged),
            ("mark of a purge", batch.purged_at.is_some() == self.purged),
        ];
        match holds.iter().find(|(_, holds)| !holds) {
            Some((what, _)) => {
                Err(Broken::batch(format!("the batch's {what} is not as the log tells")))
            }
            None => Ok(()),
        }
    }

    /// Whether the request to cancel is as the log tells. A purge removes its reason.
    fn cancel_follows(&self, books: &Books) -> bool {
        match (&self.cancelled, &books.batch.cancelled) {
            (None, None) => true,
            (Some((at, told)), Some(request)) => {
                let event = LogEvent::cancel_requested(request, books.salt.as_ref());
                let is_told = match (told, &event) {
                    (
                        LogEvent::CancelRequested { by, .. },
                        LogEvent::CancelRequested { by: found, seal: None },
                    ) => by == found,
                    _ => *told == event,
                };
                *at == request.at.as_millisecond() && is_told
            }
            _ => false,
        }
    }
}

/// Follows what the log tells of one row.
pub(crate) struct RowWalk {
    pub(crate) row: u64,
    line: u64,
    content: String,
    seq: u64,
    now: Facts,
}

impl RowWalk {
    /// The first entry about a row.
    pub(crate) fn begin(seq: u64, row: u64, event: LogEvent) -> Result<Self, Broken> {
        match event {
            LogEvent::Loaded { line, content, now } if now.row == row => {
                Ok(Self { row, line, content, seq, now })
            }
            _ => Err(Broken::event(seq, Some(row), "changes a row that was never loaded")),
        }
    }

    /// The next entry about it.
    pub(crate) fn take(&mut self, seq: u64, event: LogEvent) -> Result<(), Broken> {
        let broken = |problem| Err(Broken::event(seq, Some(self.row), problem));
        let LogEvent::Moved { from, now } = event else {
            return broken("loads a row that is there already");
        };
        if from != self.now.state.outcome() {
            return broken("does not begin where the event before left the row");
        }
        let same = now.row == self.row
            && now.amount == self.now.amount
            && now.currency == self.now.currency
            && now.attempt >= self.now.attempt;
        if !same {
            return broken("changes what never changes: row, amount, currency or a past attempt");
        }
        (self.seq, self.now) = (seq, now);
        Ok(())
    }

    /// After its last entry: the row is as the log tells.
    pub(crate) fn end(
        mut self,
        record: &PayoutRecord,
        salt: Option<&Salt>,
        purged: bool,
    ) -> Result<(), Broken> {
        let salt = salt.filter(|_| !purged);
        let mut found = Facts::of(&record.payout, salt);
        let seals_agree = salt.is_none() || found.seal == self.now.seal;
        (found.seal, self.now.seal) = (None, None);
        let broken = |what: &str| {
            let problem = format!(
                "{what} is not as the log tells (event {}): the row was changed past the engine",
                self.seq
            );
            Err(Broken::row(self.row, problem))
        };
        if found.state != self.now.state {
            return broken("its state");
        }
        if (&found.amount, &found.currency) != (&self.now.amount, &self.now.currency) {
            return broken("its amount or currency");
        }
        if (found.attempt, &found.order) != (self.now.attempt, &self.now.order) {
            return broken("its attempt or order");
        }
        if found != self.now {
            return broken("its reason or a decision about it");
        }
        if !seals_agree {
            return broken("the holder's name, a text or a number from the gateway");
        }
        if record.line != self.line {
            return broken("its line");
        }
        let Some(salt) = salt else { return Ok(()) };
        if seal_of_record(salt, record).as_ref() != Some(&self.content) {
            return broken("its reference, its payee or another column of the file");
        }
        Ok(())
    }
}
