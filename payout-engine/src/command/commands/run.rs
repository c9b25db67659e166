//! `payout run`: a file is checked, written to the store, and paid.

use super::check::check;
use super::confirm::{confirm, is_interactive};
use super::pay::{conclude, engine, work};
use crate::admission::Conditions;
use crate::command::args::{Global, RunArgs};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::{checked_json, checked_note, note, print, tell, tell_failure};
use crate::command::place::Place;
use crate::command::rehearsal::Rehearsal;
use crate::config::Config;
use crate::intake::{self, Checked};
use crate::report::count;
use crate::{Batch, Engine, GatewayIdentity, OtpMode};

pub(crate) async fn execute(
    args: &RunArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let capacity = if args.sandbox { None } else { config.sealed_capacity() };
    let checked = check(&args.file, capacity).await?;
    let conditions = conditions(args, &place);
    if let Err(refused) = conditions.check_file(&checked) {
        let refusal = Failure::from(refused);
        tell(&checked_note(&checked));
        if global.json {
            print(&checked_json(&checked))?;
            tell_failure(&refusal);
            return Ok(refusal.exit);
        }
        return Err(refusal);
    }
    if !checked.warnings.is_empty() || !checked.problems.is_empty() {
        note(global, &checked_note(&checked));
    }
    let rehearsal =
        if args.sandbox { Some(Rehearsal::start(place.sandbox_state())?) } else { None };
    let client = match &rehearsal {
        Some(rehearsal) => rehearsal.client.clone(),
        None => config.client()?,
    };
    let identity = GatewayIdentity::from(&client);
    if !place.is_repeatable
        && let Some(store) = place.open_existing().await?
    {
        let found = conditions.check_elsewhere(&*store, &checked).await?;
        found.warnings().for_each(|warning| note(global, &format!("warning: {warning}")));
    }
    confirm(args.yes || args.dry_run, checked.valid, &checked.totals, &identity)?;
    if let Some(rehearsal) = &rehearsal {
        open_accounts(rehearsal, &checked)?;
    }
    let engine = engine(&place, config, "run").await?;
    let batch = take_in(args, config, &engine, &conditions, &checked, &identity).await?;
    note(global, &format!("batch {}: {}", batch.name, count(batch.rows, "row")));
    if args.hand_over {
        note(global, "left to the workers on this store; `payout status` shows how far they are");
        let summary = engine.store().summary(batch.id).await?;
        return conclude(&summary, &batch, &place, global);
    }
    work(engine, &batch, client, &place, global, async |engine, gateway, cancel| {
        Ok(engine.run(&batch, gateway, cancel).await?)
    })
    .await
}

/// What has to hold before the file is paid. Rehearsals with a store of their own pay the same rows
/// again and again.
fn conditions(args: &RunArgs, place: &Place) -> Conditions {
    let rehearsal = place.is_repeatable.then(|| "a rehearsal against the sandbox".to_owned());
    Conditions {
        skip_invalid: args.skip_invalid,
        expect_rows: args.expect_rows,
        expect_total: args.expect_total.clone(),
        dry_run: args.dry_run,
        allow_duplicate: args.allow_duplicate.clone().or(rehearsal),
        paused_by: None,
    }
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

async fn take_in(
    args: &RunArgs,
    config: &Config,
    engine: &Engine,
    conditions: &Conditions,
    checked: &Checked,
    identity: &GatewayIdentity,
) -> Result<Batch, Failure> {
    let otp = if is_interactive() { OtpMode::Wait } else { OtpMode::Detach };
    let options = args.how.settings().or(config.run_settings()).options(otp);
    let file = args.file.file_name().unwrap_or_default().to_string_lossy();
    let name = args.batch.as_deref();
    Ok(conditions.take_in(engine, checked, &file, name, options, identity).await?)
}
