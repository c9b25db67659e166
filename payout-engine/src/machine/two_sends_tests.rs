//! An order that was sent twice: what is said about one send says nothing about the other.
//!
//! The observer of the exploration believes a settled "not found" for good. The core does not: once
//! an order was sent again, it asks about it before it lets go of either send.

use super::*;

fn sent_twice(state: State) -> Payout {
    let order = Order {
        no: OrderNo::mint(&code(), 1, 1),
        sends: 2,
        sent_at: Some(at(10)),
        seen: false,
        not_found: 0,
        not_found_at: None,
    };
    Payout { state, attempt: 1, order: Some(order), ..Payout::new(1, money(), at(0)) }
}

fn step(payout: Payout, event: Event, now: i64) -> Step {
    let (code, options, policy) = (code(), BatchOptions::default(), policy());
    let rules = Rules {
        code: &code,
        options: &options,
        policy: &policy,
        cancelling: false,
        restored_at: None,
    };
    payout.step(&rules, event, at(now))
}

#[test]
fn a_second_send_that_did_not_leave_leaves_the_first_in_doubt() {
    let not_sent = Event::Withdrawn(Err(CallError::NotSent(reason())));
    let after = step(sent_twice(State::Sending), not_sent, 11);
    assert_eq!((after.payout.state, after.call), (State::Unanswered, None));
    assert_eq!(after.payout.order.as_ref().map(|order| order.sends), Some(1));
    let next = step(after.payout, Event::Due, 12);
    assert_eq!(next.call, Some(Call::Query), "asked about, not sent again");
}

#[test]
fn a_second_send_that_was_refused_is_no_word_about_the_first() {
    for state in [State::Rejected, State::Refused] {
        let not_found = || Event::Queried(Err(CallError::NotFound(reason())));
        let early = step(sent_twice(state), not_found(), 10);
        assert_eq!(early.payout.outcome(), Outcome::InDoubt, "{state}: one early answer");
        let settled = step(early.payout, not_found(), 13);
        assert_eq!(settled.payout.outcome(), Outcome::InDoubt, "{state}: one settled answer");
        assert_eq!(settled.call, None);
    }
}
