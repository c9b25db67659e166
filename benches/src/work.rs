//! The pure parts as pieces of work that can be done any number of times: what criterion times and
//! what instructions are counted of.

use std::hint::black_box;

use jiff::Timestamp;
use kess_gateway::decode::FromReply as _;
use kess_gateway::objects::Customer;
use kess_gateway::operations::WithdrawRequest;
use kess_gateway::{Client, Operation, Sealed};
use payout_engine::intake::{SEALED_BYTES, check_bytes};
use payout_engine::machine::{Payout, Rules, State};
use payout_engine::{BatchCode, BatchOptions, Policy};
use tokio::runtime::{Builder, Runtime};

use crate::{REPLY, client, customer, people, steps, withdrawal};

type Error = Box<dyn std::error::Error>;

/// Rows of the file that intake reads.
const ROWS: u64 = 1_000;

/// All that is needed to do any of the work.
pub struct Work {
    client: Client,
    customer: Customer,
    sealed: Sealed<Customer>,
    data: String,
    file: Vec<u8>,
    code: BatchCode,
    options: BatchOptions,
    policy: Policy,
    payout: Payout,
    now: Timestamp,
    runtime: Runtime,
}

/// A piece of work: its name, and what does it once.
pub type Piece = (&'static str, fn(&Work) -> Result<(), Error>);

/// Every piece.
pub const PIECES: &[Piece] = &[
    ("sign", Work::sign),
    ("seal", Work::seal),
    ("decode", Work::decode),
    ("call", Work::call),
    ("machine", Work::machine),
    ("names", Work::names),
    ("intake", Work::intake),
];

impl Work {
    /// Prepares everything.
    ///
    /// # Errors
    /// Never: all of it is good.
    pub fn new() -> Result<Self, Error> {
        let (client, customer) = (client()?, customer());
        let sealed = client.seal(&customer)?;
        let mut file = Vec::new();
        people::write(ROWS, &mut file)?;
        let reply: serde_json::Value = serde_json::from_str(REPLY)?;
        let now: Timestamp = "2026-01-02T03:04:05Z".parse()?;
        let money = kess_gateway::Money::new("10.50".parse()?, kess_gateway::Currency::Usd)?;
        Ok(Self {
            client,
            customer,
            sealed,
            data: reply["data"].to_string(),
            file,
            code: "K7QX2M9PB4TZ".parse()?,
            options: BatchOptions::default(),
            policy: Policy::default(),
            payout: Payout::new(1, money, now),
            now,
            runtime: Builder::new_current_thread().enable_time().build()?,
        })
    }

    /// Encodes and signs a withdrawal.
    fn sign(&self) -> Result<(), Error> {
        black_box(withdrawal(&self.client, &self.sealed)?.body()?);
        Ok(())
    }

    /// Seals a customer.
    fn seal(&self) -> Result<(), Error> {
        black_box(self.client.seal(&self.customer)?);
        Ok(())
    }

    /// Decodes what a withdrawal's reply has of the order.
    fn decode(&self) -> Result<(), Error> {
        let mut data = serde_json::Deserializer::from_str(&self.data);
        black_box(<WithdrawRequest as Operation>::Reply::read(&mut data)?);
        Ok(())
    }

    /// A withdrawal and its reply, without network.
    fn call(&self) -> Result<(), Error> {
        let call = async { withdrawal(&self.client, &self.sealed)?.send().await };
        black_box(self.runtime.block_on(call)?);
        Ok(())
    }

    /// A row from pending to paid.
    fn machine(&self) -> Result<(), Error> {
        let (code, options, policy) = (&self.code, &self.options, &self.policy);
        let rules = Rules { code, options, policy, cancelling: false, restored_at: None };
        let intent = steps::intent(self.payout.clone(), &rules, self.now);
        let paid = steps::outcome(intent, &rules, self.now);
        if paid.state == State::Paid { Ok(()) } else { Err("the row is not paid".into()) }
    }

    /// Compares the name of the file with the bank's.
    fn names(&self) -> Result<(), Error> {
        black_box(steps::compare());
        Ok(())
    }

    /// Checks a file of a thousand rows.
    fn intake(&self) -> Result<(), Error> {
        let checked = check_bytes(self.file.clone(), SEALED_BYTES)?;
        if checked.valid == ROWS { Ok(()) } else { Err("the file is not in order".into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_of_work_can_be_done_again() {
        let work = Work::new().expect("all of it is good");
        for (name, piece) in PIECES {
            for _ in 0..2 {
                piece(&work).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
    }
}
