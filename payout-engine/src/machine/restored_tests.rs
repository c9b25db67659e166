//! The core, explored from every row that an old copy of the store may hold.
//!
//! The observer knows what the copy does not: that an order under the present number, or the one
//! that would be minted next, may have been sent until the moment the copy was put back.

use super::*;

impl Wire {
    /// Somebody else may have sent the order, until second 0.
    pub(super) fn unknown() -> Self {
        Self { may_be_booked: true, arrived: 1, ..Self::default() }
    }
}

/// A row takes over an order that the gateway lists: one that is never sent again, and decided by
/// what the gateway shows of it.
pub(super) fn check_listed(before: &Payout, after: &Payout, restored: bool) {
    assert!(restored, "an order is taken over by a row of an ordinary batch");
    let order = after.order.as_ref().unwrap();
    assert_eq!((after.state, order.seen), (State::Processing, true));
    assert_eq!(order.no, OrderNo::mint(&code(), 1, after.attempt));
    assert!(after.attempt >= before.attempt && after.next_at.is_some());
    assert!(!matches!(before.state, State::Paid | State::Reversed | State::Invalid));
    after.check().unwrap();
}

/// A row as the copy has it: in this state, with proofs that are older than the restoration.
fn old(state: State, sends: u32) -> Place {
    let mut payout = Payout::new(1, money(), at(-20));
    payout.state = state;
    payout.attempt = 1;
    payout.order = Some(Order {
        no: OrderNo::mint(&code(), 1, 1),
        sends,
        sent_at: (sends > 0).then(|| at(-10)),
        seen: false,
        not_found: 2,
        not_found_at: Some(at(-1)),
    });
    payout.check().unwrap();
    Place { restored: true, wire: Wire::unknown(), ..Place::new(payout) }
}

fn starts() -> Vec<Place> {
    let new = Place::new(Payout::new(1, money(), at(-20)));
    let mut starts = vec![Place { restored: true, wire: Wire::unknown(), ..new }];
    starts.push(old(State::Pending, 0));
    for state in [
        State::Sending,
        State::Restored,
        State::Unanswered,
        State::Refused,
        State::Rejected,
        State::Duplicate,
        State::Unbooked,
    ] {
        starts.extend([old(state, 1), old(state, 2)]);
    }
    starts
}

#[test]
fn no_path_from_an_old_copy_pays_twice_or_takes_a_possible_payment_for_none() {
    let (otp, name_match) = (OtpMode::Detach, NameCheck::Strict);
    let options = BatchOptions { otp, name_match, ..BatchOptions::default() };
    let reached = explore_from(starts(), &options, Some(at(0)));
    for state in State::ALL {
        assert_eq!(reached.contains_key(state), *state != State::Invalid, "{state}");
    }
}

/// A row that the gateway does not know goes the whole way from its verification, under the number
/// that was asked about.
#[test]
fn a_row_that_was_not_sent_is_sent_once_the_gateway_did_not_know_it() {
    let (code, policy, options) = (code(), policy(), BatchOptions::default());
    let restored_at = Some(at(0));
    let rules =
        Rules { code: &code, options: &options, policy: &policy, cancelling: false, restored_at };
    let not_found = || Event::Queried(Err(CallError::NotFound(reason())));
    let mut payout = Payout::new(1, money(), at(-20));
    let mut now = 0;
    while payout.state != State::Pending || now == 0 {
        let step = payout.step(&rules, Event::Due, at(now));
        assert_eq!((step.call, step.payout.state), (Some(Call::Query), State::Restored));
        payout = step.payout.step(&rules, not_found(), at(now)).payout;
        now += 1;
        assert!(now < 10);
    }
    assert!(now >= 3, "believed after {now} seconds");
    let step = payout.step(&rules, Event::Due, at(now));
    assert_eq!(step.call, Some(Call::Verify));
    let sent = step.payout.step(&rules, Event::Cleared, at(now));
    let order = sent.payout.order.unwrap();
    assert_eq!((sent.call, sent.payout.attempt), (Some(Call::Withdraw), 1));
    assert_eq!((order.no, order.sends), (OrderNo::mint(&code, 1, 1), 1));
}
