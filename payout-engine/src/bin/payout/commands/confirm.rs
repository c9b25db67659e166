//! The question before money moves: on a terminal it is asked, elsewhere it wants `--yes`.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};

use kess_gateway::{Amount, Currency};
use payout_engine::GatewayIdentity;

use crate::failure::Failure;
use crate::output::{amount_lines, grouped, table, tell};

/// Shows how many rows and how much, and asks.
pub(crate) fn confirm(
    yes: bool,
    rows: u64,
    totals: &BTreeMap<Currency, Amount>,
    gateway: &GatewayIdentity,
) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !is_interactive() {
        return Err(Failure::usage("there is no terminal to ask on; nothing was sent")
            .with_hint("add --yes to pay without being asked"));
    }
    let mut lines = vec![vec!["rows".to_owned(), grouped(&rows.to_string())]];
    lines.extend(amount_lines(totals));
    tell(&format!("\n{}\n\nthrough {gateway}", table(&lines, &[1])));
    write!(io::stderr(), "Pay? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::usage("not confirmed; nothing was sent")),
    }
}

pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
