//! The event log of a batch: what an entry says, and how entries hang together.
//!
//! Every change of a batch or of one of its rows adds an entry, in the transaction that makes the
//! change. An entry is one line of JSON; its hash covers the text as it is stored and the hash
//! before it, so an entry cannot be changed, left out, added or moved without every later hash
//! changing as well:
//!
//! ```text
//! hash(0) = SHA-256("payout event log 1\n" + batch code)
//! hash(n) = SHA-256("payout event log 1\n" + hash(n-1), 32 bytes + entry(n))
//! ```
//!
//! No personal data is in an entry, so the log outlives `payout purge`. What is personal, or text
//! that somebody else wrote, is bound by a *seal*: a SHA-256 over the batch's secret salt and those
//! fields. With the salt, which a purge removes, the seals can be checked; without it they say
//! nothing, not even to somebody who tries all account numbers.
//!
//! Left out are times that only say when a row is looked at next. This module is pure and knows no
//! store; [`verify`] holds a log against the rows it tells about.
//!
//! Invariant: [`Facts`] of a row depend on nothing but what a store keeps of it, so that the facts
//! in the newest entry are those of the row as it is read.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use kess_gateway::{Amount, Currency, Sensitive};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    batch::{BatchOptions, BatchState, CancelRequest, NewBatch},
    decision::Ruling,
    error::Error,
    machine::{Payout, State},
    order_no::BatchCode,
    payout::{NewPayout, Outcome, Payee, StopCause},
    store::PayoutRecord,
};

pub(crate) mod verify;

/// What every hash of this version of the format begins with.
const DOMAIN: &[u8] = b"payout event log 1\n";

/// A hash of the chain: it stands for the whole log up to its entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogHash([u8; 32]);

impl LogHash {
    /// Where a batch's chain begins.
    pub(crate) fn genesis(code: &BatchCode) -> Self {
        Self(Sha256::new().chain_update(DOMAIN).chain_update(code.as_str()).finalize().into())
    }

    /// The hash of the entry that follows.
    pub(crate) fn next(self, entry: &str) -> Self {
        let hash = Sha256::new().chain_update(DOMAIN).chain_update(self.0).chain_update(entry);
        Self(hash.finalize().into())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Error> {
        let hash = bytes.try_into();
        hash.map(Self).map_err(|_| Error::corrupt("log hash", &hex::encode(bytes)))
    }
}

impl fmt::Display for LogHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for LogHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for LogHash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text.trim(), &mut hash).map_err(|_| {
            Error::config("a head is 64 hexadecimal digits, as `payout audit` prints")
        })?;
        Ok(Self(hash))
    }
}

/// The secret that makes the seals of a batch unguessable. Never shown.
#[derive(Clone)]
pub(crate) struct Salt([u8; 32]);

impl Salt {
    pub(crate) fn random(rng: &mut impl RngCore) -> Self {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        Self(salt)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Error> {
        bytes.try_into().map(Self).map_err(|_| Error::corrupt("salt", "of another length"))
    }
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// When, in milliseconds since 1970.
    pub(crate) at: i64,
    /// The runner's fencing number.
    pub(crate) fence: i64,
    /// The row it is about; absent where it is about the batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) row: Option<u64>,
    /// What happened.
    pub(crate) event: LogEvent,
}

impl Entry {
    pub(crate) fn new(at: Timestamp, fence: i64, event: LogEvent) -> Self {
        let row = match &event {
            LogEvent::Loaded { now, .. } | LogEvent::Moved { now, .. } => Some(now.row),
            _ => None,
        };
        Self { at: at.as_millisecond(), fence, row, event }
    }

    /// The text that is stored and hashed.
    pub(crate) fn encode(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| Error::store("write the event log", error))
    }
}

/// What happened to a batch, or to one of its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum LogEvent {
    /// The batch was begun.
    Created(Box<Creation>),
    /// A row was loaded; `content` seals the reference, the payee and what else the file says.
    Loaded { line: u64, content: String, now: Facts },
    /// All rows are there: how many rows and how much, by currency.
    Completed { rows: u64, requested: Vec<Requested> },
    /// A runner took the batch over from whoever had it.
    Leased { runner: String },
    /// A runner joined those who are at the batch.
    Joined { runner: String },
    /// The runner with this fence left, or was not heard of for too long. Others may write it down.
    Left { runner: i64 },
    /// The batch's state changed.
    State {
        #[serde(with = "text")]
        state: BatchState,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
        interrupted: bool,
    },
    /// Somebody asked that nothing more of the batch is sent; the reason in words is sealed.
    CancelRequested {
        by: String,
        #[serde(default, skip_serializing_if = "is_default")]
        seal: Option<String>,
    },
    /// Somebody wants nothing of the batch to be sent until it is started again.
    Paused { by: String },
    /// Somebody started it again.
    Unpaused { by: String },
    /// The batch goes on in another store; here it stays as it was.
    Departed { to: String },
    /// The batch came from another store, with all that stands above.
    Arrived { from: String },
    /// The store was found to be older than what was seen of it before, or of unknown age.
    Restored,
    /// Every unfinished row was made due.
    Woken,
    /// A row changed.
    Moved {
        #[serde(with = "text")]
        from: Outcome,
        now: Facts,
    },
    /// Personal data and the salt were removed.
    Purged,
}

/// What a batch was begun with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Creation {
    pub(crate) name: String,
    pub(crate) code: String,
    pub(crate) base_url: String,
    pub(crate) seller_code: String,
    /// The file's name, with its hash.
    pub(crate) source: String,
    pub(crate) options: BatchOptions,
    pub(crate) runner: String,
}

/// What a batch asks for in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Requested {
    pub(crate) currency: String,
    pub(crate) rows: u64,
    /// In ten-thousandths, as stores count.
    pub(crate) amount: i64,
}

impl LogEvent {
    /// How a batch begins: with its creation, and with a pause if nobody started it yet.
    pub(crate) fn created(creation: Creation, new: &NewBatch) -> Vec<Self> {
        let paused = new.paused_by.clone().map(|by| Self::Paused { by });
        std::iter::once(Self::Created(Box::new(creation))).chain(paused).collect()
    }

    pub(crate) fn loaded(new: &NewPayout, payout: &Payout, salt: &Salt) -> Self {
        let content = content_seal(
            salt,
            new.row,
            &new.reference,
            &new.payee,
            new.body.as_deref(),
            &new.extra,
        );
        Self::Loaded { line: new.line, content, now: Facts::of(payout, Some(salt)) }
    }

    pub(crate) fn moved(from: Outcome, payout: &Payout, salt: Option<&Salt>) -> Self {
        Self::Moved { from, now: Facts::of(payout, salt) }
    }

    pub(crate) fn cancel_requested(request: &CancelRequest, salt: Option<&Salt>) -> Self {
        let seal = salt.map(|salt| {
            let mut seal = Seal::begin(salt, "cancel", 0);
            seal.maybe(request.reason.as_deref());
            seal.finish()
        });
        Self::CancelRequested { by: request.by.clone(), seal }
    }

    pub(crate) fn state(state: BatchState, cause: Option<StopCause>, interrupted: bool) -> Self {
        Self::State { state, cause: cause.map(|cause| cause.to_string()), interrupted }
    }
}

/// A row in everything that decides about money, without a word about a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Facts {
    pub(crate) row: u64,
    #[serde(with = "text")]
    pub(crate) state: State,
    #[serde(with = "text")]
    pub(crate) amount: Amount,
    #[serde(with = "text")]
    pub(crate) currency: Currency,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) attempt: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) order: Option<OrderFacts>,
    /// The code of what went wrong last.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) reason: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) decided: Vec<Decided>,
    /// Binds what is personal or somebody else's text; absent after a purge.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) seal: Option<String>,
}

/// What the proof of a payment, or of a non-payment, rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderFacts {
    pub(crate) no: String,
    pub(crate) sends: u32,
    pub(crate) sent_at: Option<i64>,
    pub(crate) seen: bool,
    pub(crate) not_found: u32,
    pub(crate) not_found_at: Option<i64>,
}

/// A person's decision; the reason in words is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decided {
    pub(crate) ruling: Ruling,
    pub(crate) about: String,
    pub(crate) by: String,
}

impl Facts {
    pub(crate) fn of(payout: &Payout, salt: Option<&Salt>) -> Self {
        let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
        Self {
            row: payout.row,
            state: payout.state,
            amount: payout.money.amount(),
            currency: payout.money.currency().clone(),
            attempt: payout.attempt,
            order: payout.order.as_ref().map(|order| OrderFacts {
                no: order.no.to_string(),
                sends: order.sends,
                sent_at: millis(order.sent_at),
                seen: order.seen,
                not_found: order.not_found,
                not_found_at: millis(order.not_found_at),
            }),
            reason: payout.reason.as_ref().map(|reason| reason.code.clone()),
            decided: payout
                .decisions
                .iter()
                .map(|decision| Decided {
                    ruling: decision.ruling,
                    about: decision.about.clone(),
                    by: decision.by.clone(),
                })
                .collect(),
            seal: salt.map(|salt| progress_seal(salt, payout)),
        }
    }
}

/// Seals what a row has gathered besides its facts.
fn progress_seal(salt: &Salt, payout: &Payout) -> String {
    let mut seal = Seal::begin(salt, "progress", payout.row);
    seal.maybe(payout.holder_name.as_ref().map(|name| name.expose().as_str()));
    seal.maybe(payout.reason.as_ref().map(|reason| reason.message.as_str()));
    seal.maybe(payout.warning.as_ref().map(|reason| reason.code.as_str()));
    seal.maybe(payout.warning.as_ref().map(|reason| reason.message.as_str()));
    seal.maybe(payout.transaction_id.as_deref());
    seal.maybe(payout.otp_url.as_deref());
    let expires_at = payout.expires_at.map(|at| at.as_millisecond().to_string());
    seal.maybe(expires_at.as_deref());
    for decision in &payout.decisions {
        seal.text(&decision.reason);
    }
    seal.finish()
}

/// Seals what the file says of a row besides its amount.
fn content_seal(
    salt: &Salt,
    row: u64,
    reference: &str,
    payee: &Payee,
    body: Option<&str>,
    extra: &[(String, String)],
) -> String {
    fn optional(field: &Option<Sensitive<String>>) -> Option<&str> {
        field.as_ref().map(|text| text.expose().as_str())
    }
    let mut seal = Seal::begin(salt, "content", row);
    seal.text(reference);
    seal.text(payee.first_name.expose());
    seal.text(payee.last_name.expose());
    seal.maybe(optional(&payee.holder_name));
    seal.text(payee.phone_number.expose());
    seal.text(payee.email.expose());
    seal.text(payee.bank_account_number.expose());
    seal.text(&payee.bic);
    seal.maybe(optional(&payee.address));
    seal.maybe(optional(&payee.city));
    seal.maybe(optional(&payee.postcode));
    seal.maybe(body);
    for (name, value) in extra {
        seal.text(name);
        seal.text(value);
    }
    seal.finish()
}

/// The seal of a row's content as it is read back; `None` once the payee was removed.
pub(crate) fn seal_of_record(salt: &Salt, record: &PayoutRecord) -> Option<String> {
    let payee = record.payee.as_ref()?;
    let (body, extra) = (record.body.as_deref(), &record.extra);
    Some(content_seal(salt, record.payout.row, &record.reference, payee, body, extra))
}

/// A hash over fields, each with its length, so that no two lists of fields read the same.
struct Seal(Sha256);

impl Seal {
    fn begin(salt: &Salt, what: &str, row: u64) -> Self {
        let mut seal = Self(Sha256::new().chain_update(DOMAIN).chain_update(salt.0));
        seal.text(what);
        seal.0.update(row.to_be_bytes());
        seal
    }

    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
    }

    fn maybe(&mut self, text: Option<&str>) {
        self.0.update([u8::from(text.is_some())]);
        self.text(text.unwrap_or_default());
    }

    fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Values that files and stores know as texts.
mod text {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use kess_gateway::Money;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn salt(seed: u64) -> Salt {
        Salt::random(&mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn the_format_is_fixed() {
        let code: BatchCode = "0123456789AB".parse().unwrap();
        let genesis = LogHash::genesis(&code);
        // printf 'payout event log 1\n0123456789AB' | sha256sum
        assert_eq!(
            genesis.to_string(),
            "55b5a5ea2eeb6c52b90d0e1a1f767c9b1a8dcd0efc6531b6f0d670f8efd6c58d"
        );
        let at = Timestamp::from_millisecond(1_800_000_000_000).unwrap();
        let payout = Payout::new(7, Money::usd("10.50").unwrap(), at);
        let event = LogEvent::moved(Outcome::Held, &payout, None);
        let entry = Entry::new(at, 3, event).encode().unwrap();
        assert_eq!(
            entry,
            "{\"at\":1800000000000,\"fence\":3,\"row\":7,\"event\":{\"moved\":{\"from\":\"held\",\
             \"now\":{\"row\":7,\"state\":\"pending\",\"amount\":\"10.5\",\"currency\":\"USD\"}}}}"
        );
        assert_eq!(
            genesis.next(&entry).to_string(),
            "cf65e87005bdba64225f168d8478f234c34c3260f517b43be91e6b9fe9c54890"
        );
    }

    #[test]
    fn entries_read_back() {
        let at = Timestamp::from_millisecond(5).unwrap();
        let payout = Payout::new(7, Money::usd("10.50").unwrap(), at);
        let request = CancelRequest { at, by: "sophea".to_owned(), reason: None };
        for event in [
            LogEvent::Woken,
            LogEvent::Restored,
            LogEvent::Purged,
            LogEvent::Leased { runner: "me".to_owned() },
            LogEvent::Joined { runner: "me".to_owned() },
            LogEvent::Left { runner: 3 },
            LogEvent::Paused { by: "sophea".to_owned() },
            LogEvent::Unpaused { by: "sophea".to_owned() },
            LogEvent::Departed { to: "sqlite:///b.db".to_owned() },
            LogEvent::Arrived { from: "sqlite:///a.db".to_owned() },
            LogEvent::cancel_requested(&request, Some(&salt(1))),
            LogEvent::state(BatchState::Stopped, Some(StopCause::Funds), true),
            LogEvent::moved(Outcome::Held, &payout, Some(&salt(1))),
        ] {
            let entry = Entry::new(at, 3, event);
            let text = entry.encode().unwrap();
            assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry, "{text}");
        }
    }

    #[test]
    fn seals_tell_fields_rows_and_salts_apart() {
        let at = Timestamp::from_millisecond(5).unwrap();
        let payout = Payout::new(7, Money::usd("1").unwrap(), at);
        let named = Payout { holder_name: Some("A".into()), ..payout.clone() };
        let moved = Payout { transaction_id: Some("A".to_owned()), ..payout.clone() };
        let other = Payout { row: 8, ..named.clone() };
        let empty = Payout { otp_url: Some(String::new()), ..payout.clone() };
        let mut seals: Vec<_> = [&payout, &named, &moved, &other, &empty]
            .iter()
            .map(|payout| progress_seal(&salt(1), payout))
            .collect();
        seals.push(progress_seal(&salt(2), &payout));
        let count = seals.len();
        seals.sort();
        seals.dedup();
        assert_eq!(seals.len(), count);
    }

    #[test]
    fn a_noted_head_is_read_or_refused() {
        let hash = LogHash::genesis(&"0123456789AB".parse().unwrap());
        assert_eq!(format!(" {hash}\n").parse::<LogHash>().unwrap(), hash);
        for text in ["", "abc", &"g".repeat(64), &"a".repeat(63), &"a".repeat(65)] {
            assert!(text.parse::<LogHash>().is_err(), "{text}");
        }
    }
}
