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

/// Another attempt begins only where the wire proves that no earlier order paid or can still pay.
pub(super) fn check_retry(before: &Payout, after: &Payout, wire: &Wire) {
    let ended = [Outcome::Failed, Outcome::Expired, Outcome::Cancelled];
    assert!(ended.contains(&before.outcome()), "{} was tried again", before.state);
    assert!(!wire.may_be_booked && !wire.paid, "{before:?} may have been booked: {wire:?}");
    assert_eq!((after.state, &after.order), (State::Pending, &None));
    assert_eq!((after.attempt, &after.money), (before.attempt, &before.money));
}

fn verified(holder: &str, currency: Currency) -> Event {
    Event::Verified(Ok(Verified { holder: holder.into(), currency, name: NameMatch::NoMatch }))
}

#[test]
fn a_release_holds_for_the_name_that_the_person_saw() {
    let (code, policy) = (code(), policy());
    let options = BatchOptions { name_match: NameCheck::Strict, ..BatchOptions::default() };
    let rules = Rules {
        code: &code,
        options: &options,
        policy: &policy,
        cancelling: false,
        restored_at: None,
    };
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
fn another_attempt_comes_only_after_proof_and_has_another_number() {
    let (code, policy, options) = (code(), policy(), BatchOptions::default());
    let rules = Rules {
        code: &code,
        options: &options,
        policy: &policy,
        cancelling: false,
        restored_at: None,
    };
    for state in State::ALL {
        let mut payout = Payout::new(1, money(), at(0));
        payout.attempt = 1;
        payout.state = *state;
        payout.order = Some(Order {
            no: OrderNo::mint(&code, 1, 1),
            sends: 1,
            sent_at: Some(at(0)),
            seen: true,
            not_found: 0,
            not_found_at: None,
        });
        let step = payout.clone().step(&rules, Event::Retry, at(5));
        let unpaid = matches!(state, State::Failed | State::Expired | State::Cancelled);
        assert_eq!(payout.is_retriable(), unpaid, "{state}");
        assert_eq!(step.call, None, "{state}");
        if !unpaid {
            assert_eq!((step.payout.state, step.write), (*state, Write::Not), "{state}");
            assert_eq!(step.payout.order, payout.order, "{state}");
            continue;
        }
        let sent = step.payout.step(&rules, Event::Cleared, at(6));
        assert_eq!((sent.write, sent.call), (Write::BeforeCall, Some(Call::Withdraw)), "{state}");
        assert_eq!(sent.payout.attempt, 2);
        assert_eq!(sent.payout.order.unwrap().no, OrderNo::mint(&code, 1, 2));
    }
}

#[test]
fn another_currency_is_paid_only_where_a_person_says_so() {
    let (code, policy) = (code(), policy());
    let options = BatchOptions { name_match: NameCheck::Off, ..BatchOptions::default() };
    let rules = Rules {
        code: &code,
        options: &options,
        policy: &policy,
        cancelling: false,
        restored_at: None,
    };
    let new = Payout::new(1, money(), at(0));
    let held = new.step(&rules, verified("Sok Dara", Currency::Khr), at(0)).payout;
    assert_eq!(held.state, State::Held);
    let stale = held.clone().step(&rules, decide(Ruling::Released, HOLDER_NAME), at(1));
    assert_eq!((stale.payout, stale.write), (held.clone(), Write::Not), "about something else");

    let released = held.clone().step(&rules, decide(Ruling::Released, ACCOUNT_CURRENCY), at(1));
    let released = released.payout;
    let same = released.clone().step(&rules, verified("Sok Dara", Currency::Khr), at(2));
    assert_eq!((same.payout.state, same.call), (State::Pending, Some(Call::Tokenize)));
    let warning = same.payout.warning.as_ref().unwrap();
    assert!(warning.message.contains("released by sophea"), "{warning:?}");
    let other = released.step(&rules, verified("Chan Thy", Currency::Khr), at(2));
    assert_eq!(other.payout.state, State::Held, "somebody else's account");

    let step = held.step(&rules, decide(Ruling::Rejected, ACCOUNT_CURRENCY), at(1));
    assert_eq!((step.payout.state, step.payout.next_at), (State::Cancelled, None));
    assert_eq!(step.payout.reason.as_ref().unwrap().code, "rejected");
    assert_eq!(step.payout.decisions.len(), 1);
    step.payout.check().unwrap();
    let again = step.payout.clone().step(&rules, Event::Retry, at(2));
    assert_eq!((again.payout, again.write), (step.payout, Write::Not), "rejected for good");
}
