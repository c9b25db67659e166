//! Before a run: is there enough in the wallet?
//!
//! Too little stops the batch before a single row fails for it. What counts against the wallet is
//! what this batch has yet to send and what other batches have sent without hearing the end of it.
//!
//! A gateway that does not tell its balances is no reason to stop: the withdrawals themselves will.

use std::collections::BTreeMap;

use kess_gateway::{Amount, Currency};

use crate::{
    error::Error,
    event::EngineEvent,
    gateway::{CallError, Wallet},
    payout::{BatchSummary, Outcome, StopCause},
    store::{Store, Sum},
    turn::Run,
};

/// Compares the wallets with what is needed, and stops the run where they hold too little.
pub(crate) async fn check_wallets(
    run: &Run,
    store: &dyn Store,
    summary: &BatchSummary,
) -> Result<(), Error> {
    if run.batch.options.dry_run || summary.count(Outcome::Pending) == 0 {
        return Ok(());
    }
    let needed = needed(summary, store.in_flight_elsewhere(run.batch.id).await?)?;
    let wallets = wallets(run).await;
    if run.halt.is_raised() {
        return Ok(());
    }
    for (currency, needed) in needed {
        let balance = balance(&wallets, &currency);
        run.observer.event(&EngineEvent::Wallet { currency: currency.clone(), balance, needed });
        if let Some(balance) = balance.filter(|balance| *balance < needed) {
            run.halt.stop(
                StopCause::Funds,
                format!(
                    "the {currency} wallet holds {balance}, the batch needs {needed} with what is \
                     under way; top it up, then `payout resume`"
                ),
            );
        }
    }
    Ok(())
}

/// What the wallets have to hold by currency: pending here, under way elsewhere.
fn needed(
    summary: &BatchSummary,
    elsewhere: Vec<Sum>,
) -> Result<BTreeMap<Currency, Amount>, Error> {
    let mut needed: BTreeMap<Currency, Amount> = summary
        .totals
        .iter()
        .map(|(currency, total)| (currency.clone(), total.of(Outcome::Pending)))
        .filter(|(_, amount)| *amount > Amount::default())
        .collect();
    for (currency, amount) in elsewhere {
        if let Some(sum) = needed.get_mut(&currency) {
            *sum = sum
                .checked_add(amount)
                .ok_or_else(|| Error::books("the money under way is too much to add up"))?;
        }
    }
    Ok(needed)
}

/// What all wallets of a currency hold; `None` where the gateway names none.
fn balance(wallets: &[Wallet], currency: &Currency) -> Option<Amount> {
    wallets
        .iter()
        .filter(|wallet| wallet.currency == *currency)
        .map(|wallet| wallet.balance)
        .reduce(|sum, balance| sum.checked_add(balance).unwrap_or(sum))
}

/// Asks for the wallets, a few times if need be.
async fn wallets(run: &Run) -> Vec<Wallet> {
    for tries in 0..run.policy.tries {
        let pass = tokio::select! {
            () = run.halt.raised() => return Vec::new(),
            pass = run.gate.pass() => pass,
        };
        let answer = run.gateway.wallets().await;
        run.report(pass, answer.as_ref().err());
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
                CallError::NotSent(_) | CallError::Unknown { .. } | CallError::RateLimited { .. },
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
