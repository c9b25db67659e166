//! How values stand in columns, and the way back: the same in every store, so that a batch can be
//! carried from one to another.
//!
//! Invariant: decoding is total over what this module encodes and refuses everything else with the
//! column and the value, so a store that somebody edited is noticed rather than misread.

use std::str::FromStr;

use super::failed;
use crate::{
    batch::{
        Batch, BatchId, Brakes, CancelRequest, Departure, GatewayIdentity, PauseRequest,
        RunnerLease,
    },
    chain::{LogHash, Requested},
    error::Error,
    machine::{Order, Payout},
    payout::{Payee, Reason, Stopped},
    store::{Claim, Conflict, PayoutRecord, Stretch, Sum},
};
use jiff::Timestamp;
use kess_gateway::{Amount, Currency, Money, Sensitive};
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// Decimals that an amount has in the store.
const SCALE: u32 = 4;

/// An amount in ten-thousandths; `None` where it has more decimals or is too large.
pub(in crate::store) fn units(amount: &Amount) -> Option<i64> {
    let scaled = amount.as_decimal().checked_mul(Decimal::from(10_i64.pow(SCALE)))?;
    if scaled.fract().is_zero() { scaled.to_i64() } else { None }
}

pub(in crate::store) fn amount(units: i64) -> Amount {
    Amount::from(Decimal::new(units, SCALE))
}

pub(in crate::store) fn currency(text: &str) -> Result<Currency, Error> {
    text.parse().map_err(|_| Error::corrupt("currency", text))
}

pub(in crate::store) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

pub(in crate::store) fn time(millis: i64) -> Result<Timestamp, Error> {
    Timestamp::from_millisecond(millis).map_err(|_| Error::corrupt("time", &millis.to_string()))
}

/// A row of a store: its columns hold integers, texts, bytes, or nothing.
pub(in crate::store) trait Columns {
    fn integer(&self, column: &str) -> Result<Option<i64>, sqlx::Error>;
    fn text(&self, column: &str) -> Result<Option<&str>, sqlx::Error>;
    fn bytes(&self, column: &str) -> Result<Option<&[u8]>, sqlx::Error>;
}

/// Implements [`Columns`] for the rows of a database.
macro_rules! columns_of {
    ($row:ty) => {
        impl $crate::store::codec::Columns for $row {
            fn integer(&self, column: &str) -> Result<Option<i64>, sqlx::Error> {
                sqlx::Row::try_get(self, column)
            }
            fn text(&self, column: &str) -> Result<Option<&str>, sqlx::Error> {
                sqlx::Row::try_get(self, column)
            }
            fn bytes(&self, column: &str) -> Result<Option<&[u8]>, sqlx::Error> {
                sqlx::Row::try_get(self, column)
            }
        }
    };
}
pub(in crate::store) use columns_of;

/// Typed access to a row by column name.
pub(in crate::store) struct Fields<'r, R>(pub(in crate::store) &'r R);

fn there<T>(column: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::store("read a row", format!("its column `{column}` is empty")))
}

impl<R: Columns> Fields<'_, R> {
    pub(in crate::store) fn int(&self, column: &str) -> Result<i64, Error> {
        there(column, self.maybe_int(column)?)
    }

    pub(in crate::store) fn maybe_int(&self, column: &str) -> Result<Option<i64>, Error> {
        self.0.integer(column).map_err(failed("read a row"))
    }

    pub(in crate::store) fn maybe_bytes(&self, column: &str) -> Result<Option<&[u8]>, Error> {
        self.0.bytes(column).map_err(failed("read a row"))
    }

    /// A hash of the log; one that is not there is none.
    pub(in crate::store) fn hash(&self, column: &str) -> Result<LogHash, Error> {
        LogHash::read(self.maybe_bytes(column)?.unwrap_or_default())
    }

    pub(in crate::store) fn maybe_text(&self, column: &str) -> Result<Option<&str>, Error> {
        self.0.text(column).map_err(failed("read a row"))
    }

    pub(in crate::store) fn text(&self, column: &str) -> Result<&str, Error> {
        there(column, self.maybe_text(column)?)
    }

    fn maybe(&self, column: &str) -> Result<Option<String>, Error> {
        Ok(self.maybe_text(column)?.map(str::to_owned))
    }

    fn secret(&self, column: &str) -> Result<Sensitive<String>, Error> {
        self.text(column).map(|text| Sensitive::from(text.to_owned()))
    }

    fn maybe_secret(&self, column: &str) -> Result<Option<Sensitive<String>>, Error> {
        Ok(self.maybe(column)?.map(Sensitive::from))
    }

    pub(in crate::store) fn count<T: TryFrom<i64>>(
        &self,
        column: &'static str,
    ) -> Result<T, Error> {
        let value = self.int(column)?;
        T::try_from(value).map_err(|_| Error::corrupt(column, &value.to_string()))
    }

    pub(in crate::store) fn time(&self, column: &str) -> Result<Timestamp, Error> {
        time(self.int(column)?)
    }

    pub(in crate::store) fn maybe_time(&self, column: &str) -> Result<Option<Timestamp>, Error> {
        self.maybe_int(column)?.map(time).transpose()
    }

    pub(in crate::store) fn word<T: FromStr>(&self, column: &'static str) -> Result<T, Error> {
        let text = self.text(column)?;
        text.parse().map_err(|_| Error::corrupt(column, text))
    }

    fn reason(&self, code: &str, message: &str) -> Result<Option<Reason>, Error> {
        let Some(code) = self.maybe(code)? else { return Ok(None) };
        Ok(Some(Reason { code, message: self.maybe(message)?.unwrap_or_default() }))
    }

    fn money(&self) -> Result<Money, Error> {
        Money::new(amount(self.int("amount")?), currency(self.text("currency")?)?)
            .map_err(|error| Error::corrupt("amount", &error.to_string()))
    }

    pub(in crate::store) fn payout(&self) -> Result<Payout, Error> {
        let order = match self.maybe("order_no")? {
            None => None,
            Some(no) => Some(Order {
                no: no.parse()?,
                sends: self.count("sends")?,
                sent_at: self.maybe_time("sent_at")?,
                seen: self.int("seen")? != 0,
                not_found: self.count("not_found")?,
                not_found_at: self.maybe_time("not_found_at")?,
            }),
        };
        let decisions = self.text("decisions")?;
        let decisions =
            serde_json::from_str(decisions).map_err(|_| Error::corrupt("decisions", decisions))?;
        let money = self.money()?;
        Ok(Payout {
            row: self.count("row")?,
            money,
            state: self.word("state")?,
            attempt: self.count("attempt")?,
            order,
            tries: self.count("tries")?,
            next_at: self.maybe_time("next_at")?,
            watched_since: self.maybe_time("watched_since")?,
            reason: self.reason("reason_code", "reason_message")?,
            warning: self.reason("warning_code", "warning_message")?,
            holder_name: self.maybe_secret("holder_name")?,
            transaction_id: self.maybe("transaction_id")?,
            otp_url: self.maybe("otp_url")?,
            expires_at: self.maybe_time("expires_at")?,
            decisions,
            version: self.count("version")?,
        })
    }

    fn payee(&self) -> Result<Payee, Error> {
        Ok(Payee {
            first_name: self.secret("first_name")?,
            last_name: self.secret("last_name")?,
            holder_name: self.maybe_secret("expected_holder")?,
            phone_number: self.secret("phone_number")?,
            email: self.secret("email")?,
            bank_account_number: self.secret("bank_account_number")?,
            bic: self.text("bic")?.to_owned(),
            address: self.maybe_secret("address")?,
            city: self.maybe_secret("city")?,
            postcode: self.maybe_secret("postcode")?,
        })
    }

    pub(in crate::store) fn claim(&self) -> Result<Claim, Error> {
        Ok(Claim {
            payout: self.payout()?,
            reference: self.text("reference")?.to_owned(),
            payee: self.payee()?,
            body: self.maybe("body")?,
        })
    }

    pub(in crate::store) fn record(&self) -> Result<PayoutRecord, Error> {
        let purged = self.maybe_text("bank_account_number")?.is_none();
        let extra = match self.maybe_text("extra")? {
            None => Vec::new(),
            Some(text) => {
                serde_json::from_str(text).map_err(|_| Error::corrupt("extra columns", text))?
            }
        };
        Ok(PayoutRecord {
            payout: self.payout()?,
            line: self.count("line")?,
            reference: self.text("reference")?.to_owned(),
            payee: if purged { None } else { Some(self.payee()?) },
            body: self.maybe("body")?,
            extra,
            updated_at: self.time("updated_at")?,
        })
    }

    pub(in crate::store) fn conflict(&self) -> Result<Conflict, Error> {
        Ok(Conflict {
            reference: self.text("reference")?.to_owned(),
            batch: self.text("name")?.to_owned(),
            row: self.count("row")?,
            outcome: self.word("outcome")?,
            money: self.money()?,
            bic: self.maybe("bic")?,
            account: self.maybe_secret("bank_account_number")?,
        })
    }

    pub(in crate::store) fn stopped(&self) -> Result<Option<Stopped>, Error> {
        let Some(cause) = self.maybe("stop_cause")? else { return Ok(None) };
        Ok(Some(Stopped {
            cause: cause.parse().map_err(|_| Error::corrupt("stop cause", &cause))?,
            message: self.maybe("stop_message")?.unwrap_or_default(),
        }))
    }

    pub(in crate::store) fn cancel_request(&self) -> Result<Option<CancelRequest>, Error> {
        let Some(at) = self.maybe_time("cancel_requested_at")? else { return Ok(None) };
        let by = self.maybe("cancel_requested_by")?.unwrap_or_default();
        Ok(Some(CancelRequest { at, by, reason: self.maybe("cancel_reason")? }))
    }

    pub(in crate::store) fn pause_request(&self) -> Result<Option<PauseRequest>, Error> {
        let Some(at) = self.maybe_time("paused_at")? else { return Ok(None) };
        Ok(Some(PauseRequest { at, by: self.maybe("paused_by")?.unwrap_or_default() }))
    }

    fn departure(&self) -> Result<Option<Departure>, Error> {
        let Some(at) = self.maybe_time("moved_at")? else { return Ok(None) };
        let to = self.maybe("moved_to")?.unwrap_or_default();
        Ok(Some(Departure { at, to, was: self.word("moved_state")? }))
    }

    pub(in crate::store) fn brakes(&self) -> Result<Brakes, Error> {
        let (cancel, pause) = (self.cancel_request()?, self.pause_request()?);
        Ok(Brakes { cancel, pause, stopped: self.stopped()? })
    }

    pub(in crate::store) fn requested(&self) -> Result<Requested, Error> {
        Ok(Requested {
            currency: self.text("currency")?.to_owned(),
            rows: self.count("rows")?,
            amount: self.int("amount")?,
        })
    }

    pub(in crate::store) fn sum(&self) -> Result<Sum, Error> {
        Ok((currency(self.text("currency")?)?, amount(self.int("amount")?)))
    }

    pub(in crate::store) fn stretch(&self) -> Result<Stretch, Error> {
        let (begin, outcome) = (self.time("begin")?, self.word("outcome")?);
        Ok(Stretch { begin, outcome, rows: self.count("rows")? })
    }

    pub(in crate::store) fn lease(&self) -> Result<Option<RunnerLease>, Error> {
        let Some(until) = self.maybe_time("lease_until")? else { return Ok(None) };
        let (fence, runner) = (self.int("fence")?, self.text("runner")?.to_owned());
        Ok(Some(RunnerLease { fence, runner, until }))
    }

    pub(in crate::store) fn batch(&self) -> Result<Batch, Error> {
        let options = self.text("options")?;
        Ok(Batch {
            id: BatchId(self.int("id")?),
            name: self.text("name")?.to_owned(),
            code: self.word("code")?,
            state: self.word("state")?,
            options: serde_json::from_str(options)
                .map_err(|_| Error::corrupt("batch options", options))?,
            gateway: GatewayIdentity {
                base_url: self.text("base_url")?.to_owned(),
                seller_code: self.text("seller_code")?.to_owned(),
            },
            source: self.text("source")?.to_owned(),
            rows: self.count("rows")?,
            stopped: self.stopped()?,
            lease: self.lease()?,
            cancelled: self.cancel_request()?,
            paused: self.pause_request()?,
            moved: self.departure()?,
            purged_at: self.maybe_time("purged_at")?,
            created_at: self.time("created_at")?,
            updated_at: self.time("updated_at")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_or_refused() {
        for (text, expected) in [
            ("10.5", Some(105_000)),
            ("0.01", Some(100)),
            ("4000000", Some(40_000_000_000)),
            ("922337203685477.5807", Some(i64::MAX)),
            ("922337203685477.5808", None),
            ("0.00001", None),
        ] {
            let value: Amount = text.parse().unwrap();
            assert_eq!(units(&value), expected, "{text}");
            if let Some(units) = expected {
                assert_eq!(amount(units), value);
            }
        }
    }
}
