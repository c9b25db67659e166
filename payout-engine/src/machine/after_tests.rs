//! What people decide: a decision is about one cause, and nothing of it sends.

use super::*;
use crate::decision::{ACCOUNT_CURRENCY, HOLDER_NAME, Ruling};

fn decide(ruling: Ruling, about: &str) -> Event {
    Event::Decided(Decision {
        ruling,
        about: about.to_owned(),
        by: "sophea".to_owned(),
        reason: "called the bank".to_owned(),
    })
}

/// Every decision that a person can take, for the exploration.
pub(super) fn decisions() -> Vec<(String, Event)> {
    let mut events = Vec::new();
    for about in [HOLDER_NAME, ACCOUNT_CURRENCY] {
        events.push((format!("released from {about}"), decide(Ruling::Released, about)));
        events.push((format!("rejected for {about}"), decide(Ruling::Rejected, about)));
    }
    events
}

fn verified(holder: &str, currency: Currency) -> Event {
    Event::Verified(Ok(Verified { holder: holder.into(), currency, name: NameMatch::NoMatch }))
}

#[test]
fn a_release_holds_for_the_name_that_the_person_saw() {
    let (code, policy) = (code(), policy());
    let options = BatchOptions { name_match: NameCheck::Strict, ..BatchOptions::default() };
    let rules = Rules { code: &code, options: &options, policy: &policy };
    let new = Payout::new(1, money(), at(0));
    let held = new.step(&rules, verified("Sok Dara", Currency::Usd), at(0)).payout;
    assert_eq!(held.state, State::Held);

    let step = held.step(&rules, decide(Ruling::Released, HOLDER_NAME), at(1));
    assert_eq!((step.write, step.call), (Write::Soon, None), "a decision sends nothing");
    let released = step.payout;
    assert_eq!((released.state, released.next_at), (State::Pending, Some(at(1))));
    let warning = released.warning.clone().unwrap();
    assert!(warning.message.contains("released by sophea: called the bank"), "{warning:?}");

    let same = released.clone().step(&rules, verified("Sok Dara", Currency::Usd), at(2));
    assert_eq!((same.payout.state, same.call), (State::Pending, Some(Call::Tokenize)));
    let other = released.clone().step(&rules, verified("Chan Thy", Currency::Usd), at(2));
    assert_eq!(other.payout.state, State::Held, "another name than the one released");
    let riel = released.step(&rules, verified("Sok Dara", Currency::Khr), at(2));
    assert_eq!(riel.payout.state, State::Held, "the release was not about the currency");
}

#[test]
fn another_currency_can_only_be_rejected() {
    let (code, policy, options) = (code(), policy(), BatchOptions::default());
    let rules = Rules { code: &code, options: &options, policy: &policy };
    let new = Payout::new(1, money(), at(0));
    let held = new.step(&rules, verified("Sok Dara", Currency::Khr), at(0)).payout;
    for about in [ACCOUNT_CURRENCY, HOLDER_NAME] {
        let step = held.clone().step(&rules, decide(Ruling::Released, about), at(1));
        assert_eq!((step.payout, step.write), (held.clone(), Write::Not), "{about}");
    }
    let step = held.step(&rules, decide(Ruling::Rejected, ACCOUNT_CURRENCY), at(1));
    assert_eq!((step.payout.state, step.payout.next_at), (State::Cancelled, None));
    assert_eq!(step.payout.reason.as_ref().unwrap().code, "rejected");
    assert_eq!(step.payout.decisions.len(), 1);
    step.payout.check().unwrap();
}
