//! Is there enough in the wallets? Asked before a run, and again and again during it.
//!
//! Too little stops the batch before a row fails for it; its rows stay pending. What counts against
//! a wallet is what this batch has yet to send and, until the wallet once held that much, what
//! other batches have sent without hearing the end of it. After that it counts no more: what leaves
//! the wallet besides our own payouts may be just that money, and would be counted twice.
//!
//! A gateway that does not tell its balances is no reason to stop: the withdrawals themselves will.
//!
//! Invariant: no stop without need. The pending sum is read after the balance came. A row leaves
//! that sum with its durable intent, before its money can leave the wallet; so money that the
//! balance lacks already is not in the sum any more.

use std::collections::BTreeSet;

use kess_gateway::{Amount, Currency};

use crate::{
    dispatch::Service,
    error::Error,
    event::EngineEvent,
    gateway::{CallError, Wallet},
    payout::{Outcome, StopCause},
    store::Store,
    turn::Run,
};

/// Who looks after the wallets of one run.
pub(crate) struct Wallets<'a> {
    run: &'a Run,
    store: &'a dyn Store,
    /// Currencies of which there was enough for the other batches, too.
    covered: BTreeSet<Currency>,
}

/// What a wallet of one currency has to hold.
struct Need {
    currency: Currency,
    /// Pending in this batch.
    here: Amount,
    /// Under way in other batches.
    elsewhere: Amount,
}

impl<'a> Wallets<'a> {
    pub(crate) fn new(run: &'a Run, store: &'a dyn Store) -> Self {
        Self { run, store, covered: BTreeSet::new() }
    }

    /// Checks every now and then, until it is dropped. Ends early only where the policy wants no
    /// checks during a run, or the store fails.
    pub(crate) async fn watch(&mut self) -> Result<(), Error> {
        let every = self.run.policy.wallet_every;
        while !every.is_zero() {
            tokio::time::sleep(every).await;
            self.check().await?;
        }
        Ok(())
    }

    /// Compares the wallets with what is needed, and stops the run where they hold too little.
    pub(crate) async fn check(&mut self) -> Result<(), Error> {
        if self.run.batch.options.dry_run || self.needs().await?.is_empty() {
            return Ok(());
        }
        let wallets = self.ask().await;
        for need in self.needs().await? {
            if self.run.halt.is_raised() {
                return Ok(());
            }
            self.compare(&wallets, need)?;
        }
        Ok(())
    }

    fn compare(&mut self, wallets: &[Wallet], need: Need) -> Result<(), Error> {
        let Need { currency, here, mut elsewhere } = need;
        if self.covered.contains(&currency) {
            elsewhere = Amount::default();
        }
        let needed = here.checked_add(elsewhere).ok_or_else(too_much)?;
        let balance = balance(wallets, &currency);
        self.run.observer.event(&EngineEvent::Wallet {
            currency: currency.clone(),
            balance,
            needed,
        });
        let Some(balance) = balance else { return Ok(()) };
        if balance >= needed {
            self.covered.insert(currency);
            return Ok(());
        }
        let message = if balance < here {
            format!(
                "the {currency} wallet holds {balance}, the batch still needs {here}; top it up, \
                 then `payout resume`"
            )
        } else {
            format!(
                "the {currency} wallet holds {balance}, the batch needs {here}, and {elsewhere} \
                 may still leave it for other batches; top it up, or `payout resume` those first, \
                 then `payout resume` this one"
            )
        };
        self.run.halt.stop(StopCause::Funds, message);
        Ok(())
    }

    /// What is still to be sent, with what other batches have under way in the same currency.
    async fn needs(&self) -> Result<Vec<Need>, Error> {
        let batch = self.run.batch.id;
        let summary = self.store.summary(batch).await?;
        let others = self.store.in_flight_elsewhere(batch).await?;
        let mut needs = Vec::new();
        for (currency, total) in &summary.totals {
            let here = total.of(Outcome::Pending);
            if here > Amount::default() {
                let elsewhere = others
                    .iter()
                    .filter(|(other, _)| other == currency)
                    .try_fold(Amount::default(), |sum, (_, amount)| sum.checked_add(*amount))
                    .ok_or_else(too_much)?;
                needs.push(Need { currency: currency.clone(), here, elsewhere });
            }
        }
        Ok(needs)
    }

    /// Asks for the wallets, a few times if need be.
    async fn ask(&self) -> Vec<Wallet> {
        let run = self.run;
        for tries in 0..run.policy.tries {
            let pass = tokio::select! {
                () = run.halt.raised() => return Vec::new(),
                pass = run.gate.pass() => pass,
            };
            let answer = run.gateway.wallets().await;
            run.report(pass, Service::Wallets, answer.as_ref().err());
            match answer {
                Ok(wallets) => return wallets,
                Err(CallError::Stop { cause, reason }) => {
                    run.halt.stop(cause, reason.with_code());
                    return Vec::new();
                }
                Err(CallError::Refused(_) | CallError::NotFound(_) | CallError::Duplicate(_)) => {
                    return Vec::new();
                }
                Err(
                    CallError::NotSent(_)
                    | CallError::Unknown { .. }
                    | CallError::Overloaded { .. }
                    | CallError::RateLimited { .. },
                ) => {
                    tokio::select! {
                        () = run.halt.raised() => return Vec::new(),
                        () = tokio::time::sleep(run.policy.retry.pause(tries, 0)) => {}
                    }
                }
            }
        }
        Vec::new()
    }
}

fn too_much() -> Error {
    Error::books("the money under way is too much to add up")
}

/// What all wallets of a currency hold; `None` where the gateway names none.
fn balance(wallets: &[Wallet], currency: &Currency) -> Option<Amount> {
    wallets
        .iter()
        .filter(|wallet| wallet.currency == *currency)
        .map(|wallet| wallet.balance)
        .reduce(|sum, balance| sum.checked_add(balance).unwrap_or(sum))
}
