//! docs/decisions.md: what the engine does with every answer there is, and whether it is safe to
//! send again.
//!
//! The page is made by driving the real code: an answer on the wire goes through the real client
//! and port into the core, in the state in which a row makes that call, and the core's step is put
//! into words. The test compares; `cargo xtask decisions` writes the page anew, and a change of it
//! is to be read line by line.

use std::{collections::BTreeMap, fmt::Write as _};

mod answers;
mod drive;
mod words;

use answers::{Answer, Play};
use drive::{Asking, Wallet, decide};

/// Set by `cargo xtask decisions`.
const WRITE: &str = "KESSPAY_WRITE_DECISIONS";

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/decisions.md");

const INTRO: &str = include_str!("decisions/intro.md");

/// Sections: the call, what there is to say about it, and whether it is answered with an order.
const SECTIONS: [(Asking, &str, &str); 6] = [
    (Asking::Verify, "Verify the account (`verifybankaccount`)", "Nothing was sent yet."),
    (Asking::Tokenize, "Tokenize the account (`tokenizebankaccount`)", "Nothing was sent yet."),
    (
        Asking::Withdraw,
        "Move the money (`withdraw`, `withdrawByBankNumber`)",
        "The intent and its order number are durable. A refusal counts only where its parts agree, \
         and even then it is confirmed by a query.",
    ),
    (
        Asking::Query,
        "Ask about an order that the gateway has never shown (`queryOrder`)",
        "The row is `in_doubt`: its withdrawal was sent, and no certain answer came.",
    ),
    (
        Asking::QueryShown,
        "Ask about an order that the gateway has shown (`queryOrder`)",
        "The row is `processing`. The order exists, so \"not found\" is wrong or late.",
    ),
    (
        Asking::Close,
        "Close an order whose OTP never came (`closeorder`)",
        "Only a query says how the order ended, so it follows whatever the answer.",
    ),
];

/// What is the same for all answers of a line, in the order of the columns.
type Columns = [String; 5];

/// The answers that lead to the same, by what they are.
type Group = BTreeMap<String, Vec<String>>;

async fn section(asking: Asking) -> String {
    let mut lines: Vec<(Columns, Group)> = Vec::new();
    for answer in answers_to(asking) {
        for (shape, columns) in outcomes(asking, &answer).await {
            let known = lines.iter().position(|(other, _)| *other == columns);
            let at = known.unwrap_or_else(|| {
                lines.push((columns, Group::new()));
                lines.len() - 1
            });
            let shapes = lines[at].1.entry(answer.what.clone()).or_default();
            if !shapes.contains(&shape) {
                shapes.push(shape);
            }
        }
    }
    let mut text = String::from(
        "| the gateway answers | taken as | the row | the engine | everybody else | sent again? |\n\
         |---|---|---|---|---|---|\n",
    );
    for ([taken, row, next, for_all, again], group) in lines {
        let answers = named(group);
        writeln!(text, "| {answers} | {taken} | {row} | {next} | {for_all} | {again} |").unwrap();
    }
    text
}

fn answers_to(asking: Asking) -> Vec<Answer> {
    let mut all = match asking {
        Asking::Verify | Asking::Tokenize | Asking::Close => answers::sample(),
        Asking::Withdraw | Asking::Query | Asking::QueryShown => answers::orders(),
    };
    all.extend(answers::failures());
    all
}

/// What follows from an answer; more than one thing where it depends on the wallets.
async fn outcomes(asking: Asking, answer: &Answer) -> Vec<(String, Columns)> {
    let mut found = Vec::new();
    for wallet in [Wallet::Full, Wallet::Empty, Wallet::Untold] {
        let decision = decide(asking, &answer.play, wallet).await;
        let looked = decision.stub.wallet_calls.load(std::sync::atomic::Ordering::SeqCst) > 0;
        let withdrawals = decision.stub.calls.load(std::sync::atomic::Ordering::SeqCst);
        assert_sent_once(asking, answer, withdrawals);
        assert!(words::is_consistent(&decision.step), "{} {}", answer.what, answer.shape);
        let (error, step) = (decision.error.as_ref(), &decision.step);
        let columns = [
            words::taken_as(error),
            words::row(step),
            words::next(asking, &decision),
            words::for_all(error),
            words::again(step),
        ];
        if !looked {
            return vec![(answer.shape.clone(), columns)];
        }
        let shape = match (asking, wallet) {
            (Asking::Query | Asking::QueryShown, Wallet::Full | Wallet::Empty) => {
                "while `merchantinfo` is answered"
            }
            (Asking::Query | Asking::QueryShown, Wallet::Untold) => {
                "while `merchantinfo` is not answered"
            }
            (_, Wallet::Full) => "with enough in the wallet",
            (_, Wallet::Empty) => "with too little in the wallet",
            (_, Wallet::Untold) => "while the wallets are not told",
        };
        found.push((format!("{} {shape}", answer.shape), columns));
    }
    found
}

/// The port never repeats a call, but once after a 401 with a new token.
fn assert_sent_once(asking: Asking, answer: &Answer, calls: u32) {
    let most = match &answer.play {
        Play::Http(401, ..) => 2,
        Play::Http(200, _, body) if body.contains("UNAUTHENTICATED") => 2,
        _ => 1,
    };
    assert!(calls <= most, "{asking:?} {} {}: {calls} calls", answer.what, answer.shape);
}

/// Names the answers of a line: those whose bodies look alike together.
fn named(group: Group) -> String {
    let mut by_shapes: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for (what, shapes) in group {
        match by_shapes.iter_mut().find(|(known, _)| *known == shapes) {
            Some((_, whats)) => whats.push(what),
            None => by_shapes.push((shapes, vec![what])),
        }
    }
    let name = |(shapes, whats): (Vec<String>, Vec<String>)| {
        let (whats, shapes) = (whats.join(", "), shapes.join("; "));
        if shapes.is_empty() { whats } else { format!("{whats}: {shapes}") }
    };
    by_shapes.into_iter().map(name).collect::<Vec<_>>().join("<br>")
}

#[tokio::test]
async fn the_page_says_what_the_code_does() {
    let mut page = String::from(INTRO);
    for (asking, title, about) in SECTIONS {
        write!(page, "\n## {title}\n{about}\n\n{}", section(asking).await).unwrap();
    }
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(PAGE, page).unwrap();
        return;
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    let differs = |(ours, theirs): &(&str, &str)| ours != theirs;
    let first = page.lines().zip(written.lines()).find(differs);
    assert!(
        page == written,
        "docs/decisions.md is stale; read what changed, then `cargo xtask decisions`\n{first:#?}"
    );
}
