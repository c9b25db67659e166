//! The question before something that cannot be taken back: on a terminal it is asked, elsewhere it
//! wants `--yes`.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};

use kess_gateway::{Amount, Currency};

use crate::GatewayIdentity;
use crate::command::failure::Failure;
use crate::command::log;
use crate::command::output::{amount_lines, table, tell};
use crate::report::grouped;

/// What is asked, and what is said where it was not answered with yes.
pub(crate) struct Question<'a> {
    /// What it is about, shown above the question.
    pub(crate) about: String,
    pub(crate) question: &'a str,
    /// What did not happen then.
    pub(crate) nothing: &'a str,
    /// What to type where nobody can be asked.
    pub(crate) yes: &'a str,
}

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
    let mut lines = vec![vec!["rows".to_owned(), grouped(&rows.to_string())]];
    lines.extend(amount_lines(totals));
    ask(&Question {
        about: format!("{}\n\nthrough {gateway}", table(&lines, &[1])),
        question: "Pay?",
        nothing: "nothing was sent",
        yes: "add --yes to pay without being asked",
    })
}

/// Asks on the terminal; an error where there is none, or the answer is not yes.
pub(crate) fn ask(question: &Question<'_>) -> Result<(), Failure> {
    let Question { about, question, nothing, yes } = question;
    if !is_interactive() {
        let message = format!("there is no terminal to ask on; {nothing}");
        return Err(Failure::usage(message).with_hint(*yes));
    }
    tell(&format!("\n{about}\n"));
    write!(io::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::usage(format!("not confirmed; {nothing}"))),
    }
}

/// Whether somebody sits there who can be asked.
pub(crate) fn is_interactive() -> bool {
    !log::is_json() && io::stdin().is_terminal() && io::stderr().is_terminal()
}
