//! `payout run`: a file is checked, written to the store, and paid.

use std::path::Path;

use jiff::Timestamp;
use kess_gateway::Client;
use payout_engine::intake::{self, Checked};
use payout_engine::report::plain;
use payout_engine::{
    Batch, BatchOptions, Conflict, Engine, GatewayIdentity, NewBatch, OtpMode, Store,
};

use super::check::check;
use super::confirm::{confirm, is_interactive};
use super::pay::{engine, work};
use crate::args::{Global, RunArgs};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{checked_json, checked_text, count, note, print, tell};
use crate::place::Place;
use crate::rehearsal::Rehearsal;

/// References that are looked up in the store at once.
const LOOKED_UP: usize = 500;

/// Rows paid elsewhere that are named before the rest is counted.
const CONFLICTS_SHOWN: usize = 20;

pub(crate) async fn execute(
    args: &RunArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let capacity = if args.sandbox { None } else { config.sealed_capacity() };
    let checked = check(&args.file, capacity).await?;
    if let Some(refusal) = refusal(args, &checked) {
        tell(&checked_text(&checked));
        if global.json {
            print(&checked_json(&checked))?;
            tell(&refusal.text());
            return Ok(refusal.exit);
        }
        return Err(refusal);
    }
    if !checked.warnings.is_empty() || !checked.problems.is_empty() {
        note(global, &checked_text(&checked));
    }
    let rehearsal =
        if args.sandbox { Some(Rehearsal::start(place.sandbox_state())?) } else { None };
    let client = match &rehearsal {
        Some(rehearsal) => rehearsal.client.clone(),
        None => config.client()?,
    };
    let identity = identity(&client);
    if !place.is_repeatable && args.allow_duplicate.is_none() && !args.dry_run {
        refuse_paid_elsewhere(&place, &checked).await?;
    }
    confirm(args.yes || args.dry_run, checked.valid, &checked.totals, &identity)?;
    if let Some(rehearsal) = &rehearsal {
        open_accounts(rehearsal, &checked)?;
    }
    let engine = engine(&place, config, global, "run").await?;
    let batch = create(args, config, &engine, &checked, &identity, &place).await?;
    note(global, &format!("batch {}: {}", batch.name, count(batch.rows, "row")));
    work(&batch, client, &place, global, async |gateway, cancel| {
        Ok(engine.run(&batch, gateway, cancel).await?)
    })
    .await
}

fn identity(client: &Client) -> GatewayIdentity {
    GatewayIdentity {
        base_url: client.base_url().as_str().to_owned(),
        seller_code: client.seller_code().unwrap_or_default().to_owned(),
    }
}

/// Why the file is not paid.
fn refusal(args: &RunArgs, checked: &Checked) -> Option<Failure> {
    let refused = |message: String| Failure::new(Exit::FileRefused, message);
    let again = "repair the file; `payout check FILE` shows all that is wrong";
    if !checked.is_good() && !args.skip_invalid {
        let message = "the file was refused, nothing was sent".to_owned();
        let skip = "repair the file, or pay the valid rows only with --skip-invalid";
        let hint = if checked.can_skip_problems() { skip } else { again };
        return Some(refused(message).with_hint(hint));
    }
    if !checked.is_good() && !checked.can_skip_problems() {
        let message = match checked.beyond_rows() {
            Some(problem) => format!(
                "line {} cannot be skipped: {}; it concerns the file as a whole, nothing was sent",
                problem.line, problem.message
            ),
            None => "no row of the file is valid, nothing was sent".to_owned(),
        };
        return Some(refused(message).with_hint(again));
    }
    if let Some(expected) = args.expect_rows.filter(|&expected| expected != checked.rows) {
        let message = format!(
            "the file has {}, --expect-rows says {expected}; nothing was sent",
            count(checked.rows, "row")
        );
        return Some(refused(message));
    }
    for (currency, expected) in &args.expect_total {
        let found = checked.totals.get(currency).copied().unwrap_or_default();
        if found != *expected {
            let message = format!(
                "the valid rows add up to {} {currency}, --expect-total says {}; nothing was sent",
                plain(found, currency),
                plain(*expected, currency)
            );
            return Some(refused(message));
        }
    }
    None
}

/// Refuses the file where another batch paid one of its rows, or may have.
async fn refuse_paid_elsewhere(place: &Place, checked: &Checked) -> Result<(), Failure> {
    let Some(store) = place.open_existing().await? else { return Ok(()) };
    let mut found: Vec<Conflict> = Vec::new();
    let mut references = Vec::with_capacity(LOOKED_UP);
    let mut payouts = intake::load(checked)?;
    loop {
        references.clear();
        for payout in payouts.by_ref().take(LOOKED_UP) {
            let payout = payout?;
            if payout.invalid.is_none() {
                references.push(payout.reference);
            }
        }
        if references.is_empty() {
            break;
        }
        let page: Vec<&str> = references.iter().map(String::as_str).collect();
        let conflicts = store.conflicts(&page, None).await?;
        found.extend(conflicts.into_iter().filter(|c| c.outcome.may_have_moved_money()));
    }
    if found.is_empty() { Ok(()) } else { Err(paid_elsewhere(&found)) }
}

fn paid_elsewhere(found: &[Conflict]) -> Failure {
    let rows: Vec<_> = found
        .iter()
        .take(CONFLICTS_SHOWN)
        .map(|conflict| {
            let Conflict { reference, batch, row, outcome } = conflict;
            format!("\n  {reference}: {outcome} as row {row} of batch {batch}")
        })
        .collect();
    let more = match found.len().checked_sub(CONFLICTS_SHOWN) {
        Some(more) if more > 0 => format!("\n  and {more} more"),
        _ => String::new(),
    };
    let message = format!(
        "other batches paid, or may have paid, {} of this file; nothing was sent{}{more}",
        count(found.len() as u64, "row"),
        rows.concat()
    );
    Failure::new(Exit::FileRefused, message).with_hint(
        "remove these rows; or, if they are meant to be paid again, say why with \
         --allow-duplicate REASON",
    )
}

fn open_accounts(rehearsal: &Rehearsal, checked: &Checked) -> Result<(), Failure> {
    for payout in intake::load(checked)? {
        let payout = payout?;
        if payout.invalid.is_none() {
            rehearsal.add_account(&payout.payee, payout.money.currency().as_str());
        }
    }
    Ok(())
}

async fn create(
    args: &RunArgs,
    config: &Config,
    engine: &Engine,
    checked: &Checked,
    identity: &GatewayIdentity,
    place: &Place,
) -> Result<Batch, Failure> {
    let otp = if is_interactive() { OtpMode::Wait } else { OtpMode::Detach };
    let rehearsal = place.is_repeatable.then(|| "a rehearsal against the sandbox".to_owned());
    let options = BatchOptions {
        dry_run: args.dry_run,
        allow_duplicate: args.allow_duplicate.clone().or(rehearsal),
        ..config.options(&args.how, otp)
    };
    let file = args.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = match &args.batch {
        Some(name) => name.clone(),
        None => free_name(&**engine.store(), &args.file).await?,
    };
    let source = format!("{file} (sha256 {})", checked.sha256);
    let new = NewBatch { name, options, source };
    Ok(engine.create(&new, identity, intake::load(checked)?).await?)
}

/// The file's name and the time, and a number where that is taken.
async fn free_name(store: &dyn Store, file: &Path) -> Result<String, Failure> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}-{}", Timestamp::now().strftime("%Y%m%d-%H%M%S"));
    let taken: Vec<_> = store.batches().await?.into_iter().map(|batch| batch.name).collect();
    let mut candidates = (2..).map(|number| format!("{name}-{number}"));
    let mut free = name.clone();
    while taken.contains(&free) {
        free = candidates.next().unwrap_or_default();
    }
    Ok(free)
}
