//! A cancelled batch: nothing is sent any more, and what is open ends as the gateway shows it.

use super::*;

fn rules_of<'a>(
    code: &'a BatchCode,
    options: &'a BatchOptions,
    policy: &'a Policy,
    cancelling: bool,
) -> Rules<'a> {
    Rules { code, options, policy, cancelling, restored_at: None }
}

/// What a step of a cancelled batch may ask for, and where it may lead.
pub(super) fn check_cancelling(before: &Payout, step: &Step, path: &str) {
    assert!(
        matches!(step.call, None | Some(Call::Query | Call::Close)),
        "{:?} in a cancelled batch: {path}",
        step.call
    );
    // What was sent without the copy's knowledge has its number, and its send, already.
    let doubted = step.payout.reason.as_ref().is_some_and(|reason| reason.code == "restored");
    if !doubted {
        assert_eq!(step.payout.attempt, before.attempt, "a number was minted: {path}");
        let sends = |payout: &Payout| payout.order.as_ref().map_or(0, |order| order.sends);
        assert!(sends(&step.payout) <= sends(before), "a send was counted: {path}");
    }
    if step.write != Write::Not {
        let waits = matches!(step.payout.state, State::Pending | State::Sending);
        assert!(!waits, "written as {}: {path}", step.payout.state);
    }
}

fn sent(rules: &Rules<'_>, answer: Result<OrderView, CallError>) -> Payout {
    let payout = Payout::new(1, money(), at(0)).step(rules, Event::Cleared, at(0)).payout;
    payout.step(rules, Event::Withdrawn(answer), at(0)).payout
}

fn cut() -> CallError {
    CallError::Unknown { reason: reason(), answered: false, retry_after: None }
}

fn not_found() -> Event {
    Event::Queried(Err(CallError::NotFound(reason())))
}

#[test]
fn what_was_not_sent_is_cancelled_whatever_answer_comes() {
    let (code, policy, options) = (code(), policy(), BatchOptions::default());
    let cancelling = rules_of(&code, &options, &policy, true);
    let number = OrderNo::mint(&code, 1, 1);
    let mut all = events(number.as_str());
    all.push(("cancel".to_owned(), Event::Cancel));
    for (name, event) in all {
        let step = Payout::new(1, money(), at(0)).step(&cancelling, event, at(1));
        assert_eq!((step.payout.state, step.call), (State::Cancelled, None), "{name}");
        assert_eq!(step.payout.reason.unwrap().code, "cancelled", "{name}");
    }
    let mut held = Payout::new(1, money(), at(0));
    held.state = State::Held;
    held.reason = Some(Reason::new(HOLDER_NAME, "another name"));
    for (name, event) in after::decisions().into_iter().filter(|(name, _)| name.contains("rel")) {
        let step = held.clone().step(&cancelling, event, at(1));
        assert_eq!((step.payout.state, step.write), (State::Held, Write::Not), "{name}");
    }
    assert_eq!(held.step(&cancelling, Event::Cancel, at(1)).payout.state, State::Cancelled);
}

#[test]
fn an_order_that_waits_for_its_password_is_closed_and_ends_as_it_is_shown() {
    let (code, policy, options) = (code(), policy(), BatchOptions::default());
    let paying = rules_of(&code, &options, &policy, false);
    let cancelling = rules_of(&code, &options, &policy, true);
    let number = OrderNo::mint(&code, 1, 1);
    let no = number.as_str();
    let waiting = OrderView { otp_required: Some(true), ..view(no, "WAITING", "-10.5") };
    let awaiting = sent(&paying, Ok(waiting.clone()));
    for (status, ends) in [
        ("CLOSED", State::Cancelled),
        ("EXPIRED", State::Expired),
        ("SUCCESS", State::Paid),
        ("FAILED", State::Failed),
        ("WAITING", State::AwaitingOtp),
    ] {
        for answer in [Ok(view(no, "CLOSED", "-10.5")), Err(cut())] {
            let step = awaiting.clone().step(&cancelling, Event::Due, at(1));
            assert_eq!(step.call, Some(Call::Close));
            let step = step.payout.step(&cancelling, Event::Closed(answer), at(1));
            assert_eq!(step.call, Some(Call::Query), "the close's own answer decides nothing");
            let shown = OrderView { otp_required: None, ..view(no, status, "-10.5") };
            let step = step.payout.step(&cancelling, Event::Queried(Ok(shown)), at(1));
            assert_eq!(step.payout.state, ends, "{status}");
            assert_eq!(step.payout.next_at.is_some(), ends == State::AwaitingOtp, "{status}");
        }
    }
    // Found out only now that it waits: it is closed at once.
    let doubt = sent(&paying, Err(cut()));
    let step = doubt.step(&cancelling, Event::Queried(Ok(waiting)), at(1));
    assert_eq!((step.payout.state, step.call), (State::AwaitingOtp, Some(Call::Close)));
}

#[test]
fn an_order_that_cannot_be_closed_is_not_asked_about_for_ever() {
    let (code, policy, options) = (code(), policy(), BatchOptions::default());
    let cancelling = rules_of(&code, &options, &policy, true);
    let number = OrderNo::mint(&code, 1, 1);
    let waiting =
        OrderView { otp_required: Some(true), ..view(number.as_str(), "WAITING", "-10.5") };
    let mut payout = sent(&rules_of(&code, &options, &policy, false), Ok(waiting.clone()));
    payout.next_at = Some(at(0));
    payout.watched_since = None;
    let mut closes = 0;
    while let Some(now) = payout.next_at {
        let step = payout.step(&cancelling, Event::Due, now);
        assert_eq!(step.call, Some(Call::Close));
        closes += 1;
        assert!(closes < 20, "no end");
        let step = step.payout.step(&cancelling, Event::Closed(Err(cut())), now);
        let shown = Event::Queried(Ok(waiting.clone()));
        payout = step.payout.step(&cancelling, shown, now).payout;
    }
    assert!(closes > 1);
    assert_eq!(payout.state, State::AwaitingOtp);
}

/// The proof on which a row would be sent again gives it up; nothing less does, and the number is
/// never followed by another.
#[test]
fn a_row_in_doubt_is_given_up_on_proof_alone_and_keeps_its_number() {
    let (code, policy, options) = (code(), policy(), BatchOptions::default());
    let paying = rules_of(&code, &options, &policy, false);
    let cancelling = rules_of(&code, &options, &policy, true);
    let doubt = sent(&paying, Err(cut()));
    let number = doubt.order.as_ref().unwrap().no.clone();
    for (second, state) in [
        (1, State::Unanswered),
        (2, State::Unanswered),
        (2, State::Unanswered),
        (3, State::Cancelled),
    ] {
        let mut payout = doubt.clone();
        for tick in 1..=second {
            payout = payout.step(&cancelling, not_found(), at(tick)).payout;
        }
        assert_eq!(payout.state, state, "after {second} s");
    }
    let mut payout = doubt;
    for tick in 1..=3 {
        payout = payout.step(&cancelling, not_found(), at(tick)).payout;
    }
    payout.check().unwrap();
    assert_eq!(payout.order.as_ref().unwrap().no, number);
    assert!(!payout.is_retriable());
    for rules in [&paying, &cancelling] {
        let again = payout.clone().step(rules, Event::Retry, at(9));
        assert_eq!((&again.payout, again.write), (&payout, Write::Not));
    }

    let stop = CallError::Stop { cause: StopCause::Funds, reason: reason() };
    let rejected = sent(&paying, Err(stop)).step(&cancelling, not_found(), at(0)).payout;
    assert_eq!(rejected.state, State::Cancelled, "refused for all rows, and never booked");
    let never_left = sent(&cancelling, Ok(view("OTHER", "SUCCESS", "-10.5")));
    assert_eq!(never_left.state, State::Cancelled, "nothing is sent after the mark");
    let mut sending = Payout::new(1, money(), at(0)).step(&paying, Event::Cleared, at(0)).payout;
    let not_sent = Event::Withdrawn(Err(CallError::NotSent(reason())));
    sending = sending.step(&cancelling, not_sent, at(0)).payout;
    assert_eq!(sending.state, State::Cancelled, "it certainly never left");
}
