//! `payout run`: a file is checked, written to the store, and paid.

use std::path::Path;

use jiff::Timestamp;

use super::check::check;
use super::confirm::{confirm, is_interactive};
use super::pay::{engine, work};
use crate::command::args::{Global, RunArgs};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::{checked_json, checked_text, note, print, tell};
use crate::command::place::Place;
use crate::command::rehearsal::Rehearsal;
use crate::config::Config;
use crate::intake::{self, Checked};
use crate::report::{count, plain};
use crate::{
    Batch, BatchOptions, Conflict, Elsewhere, Engine, GatewayIdentity, NewBatch, OtpMode, Store,
    elsewhere,
};

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
    let identity = GatewayIdentity::from(&client);
    if !place.is_repeatable && !args.dry_run {
        refuse_duplicates(args, global, &place, &checked).await?;
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

/// Refuses the file where another batch has one of its references, unless a reason is given; says
/// where another batch pays the same under other references.
async fn refuse_duplicates(
    args: &RunArgs,
    global: &Global,
    place: &Place,
    checked: &Checked,
) -> Result<(), Failure> {
    let Some(store) = place.open_existing().await? else { return Ok(()) };
    let found = elsewhere(&*store, checked).await?;
    if found.count() > 0 && args.allow_duplicate.is_none() {
        return Err(paid_twice(&found, checked.valid));
    }
    for batch in &found.twins {
        let warning = format!(
            "warning: batch {batch} pays the same accounts the same amounts, under other \
             references; is this the same payroll?"
        );
        note(global, &warning);
    }
    Ok(())
}

fn paid_twice(found: &Elsewhere, valid: u64) -> Failure {
    let mut lines = Vec::new();
    for (batch, shared) in &found.shared {
        if shared.same == valid {
            lines.push(format!("this is batch {batch} again: every row is one of its rows"));
        } else if shared.same > 0 {
            lines.push(format!("{} of batch {batch} again", count(shared.same, "row")));
        }
        if shared.other > 0 {
            let rows = count(shared.other, "row");
            lines.push(format!("{rows} with a reference of batch {batch} and other contents"));
        }
    }
    lines.extend(found.clashes.iter().map(|clash| {
        let Conflict { reference, batch, row, outcome, .. } = &clash.there;
        let differs = match clash.differs.as_slice() {
            [] => String::new(),
            columns => format!(", there with another {}", columns.join(" and ")),
        };
        format!("{reference}: {outcome} as row {row} of batch {batch}{differs}")
    }));
    if let Some(more) = found.count().checked_sub(found.clashes.len() as u64).filter(|&n| n > 0) {
        lines.push(format!("and {more} more"));
    }
    let message = format!(
        "other batches paid, may have paid or are about to pay {} of this file; nothing was \
         sent\n  {}",
        count(found.count(), "row"),
        lines.join("\n  ")
    );
    Failure::new(Exit::FileRefused, message).with_hint(
        "go on with a batch that is not finished (payout resume BATCH), or remove these rows; if \
         they are meant to be paid besides, say why with --allow-duplicate REASON",
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
        ..args.how.settings().or(config.run_settings()).options(otp)
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
