//! Why a row stands as it does, in plain words: which explanation belongs to which code, and
//! whether it is safe to try the row again.
//!
//! Whether it is safe the core says ([`Payout::is_retriable`]); here that becomes a sentence.

use crate::{
    decision::Ruling,
    intake,
    machine::Payout,
    payout::{Outcome, Reason},
};

/// The key of the explanation, below `why`, for a code of the gateway or of the engine.
pub(super) fn key(reason: &Reason, outcome: Outcome) -> &'static str {
    if outcome == Outcome::Invalid {
        return "invalid";
    }
    match reason.code.as_str() {
        "account_currency" => "account_currency",
        "holder_name" => "holder_name",
        "holder_name_close" => "holder_name_close",
        "duplicate" => "duplicate",
        "rejected" => "rejected",
        "cancelled" => "cancelled",
        "order_mismatch" => "order_mismatch",
        "amount_mismatch" => "amount_mismatch",
        "partial_refund" => "partial_refund",
        "open" => "open",
        "never_booked" => "never_booked",
        "interrupted" => "interrupted",
        "restored" => "restored",
        "VALIDATION_ERROR" | "http_400" => "refused",
        "NOT_FOUND" | "http_404" => "not_found",
        "DUPLICATED" | "http_409" => "used_before",
        // The gateway's word for a status of an order and for an error; either means closed.
        "CLOSED" => "closed",
        "EXPIRED" if outcome == Outcome::Expired => "closed",
        "FAILED" => "order_failed",
        "VOID" => "void",
        "REFUNDED" | "REVERSAL" => "given_back",
        "FORBIDDEN" | "http_403" => "forbidden",
        "UNAUTHENTICATED" | "http_401" | "no_token" | "no_signature" | "configuration" => {
            "credentials"
        }
        "rate_limited" | "http_429" => "busy",
        "invalid_request" | "not_signed" => "unfit",
        "no_connection"
        | "timeout"
        | "connection_broke"
        | "unreadable_reply"
        | "reply_signature"
        | "not_available"
        | "not_from_the_gateway" => "no_answer",
        "EXPIRED"
        | "PROCESS_FAILED"
        | "SYSTEM_ERROR"
        | "FEATURE_UNDER_MAINTENANCE"
        | "GATEWAY_TIMEOUT" => "gateway_trouble",
        code if code.starts_with("http_5") => "gateway_trouble",
        code if is_of_intake(code) => "invalid",
        _ => "unknown",
    }
}

fn is_of_intake(code: &str) -> bool {
    intake::Code::ALL.iter().any(|known| known.as_str() == code)
}

/// Whether the explanation's words come from the engine itself, and not from the gateway.
pub(super) fn is_ours(reason: &Reason) -> bool {
    reason.code.starts_with(|first: char| first.is_ascii_lowercase())
        && !reason.code.starts_with("http_")
}

/// The key of the sentence about trying again, below `problems`.
pub(super) fn safety(payout: &Payout) -> &'static str {
    let outcome = payout.outcome();
    let was_rejected = payout.decisions.iter().any(|it| it.ruling == Ruling::Rejected);
    match outcome {
        _ if payout.is_retriable() => "safe",
        _ if outcome.may_have_moved_money() => "unsafe_moved",
        Outcome::Reversed => "unsafe_paid_back",
        Outcome::Invalid => "unsafe_invalid",
        _ if was_rejected => "unsafe_rejected",
        _ => "unsafe_given_up",
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use kess_gateway::{Currency, Money};

    use super::*;
    use crate::{machine::State, serve::page::words::Language};

    #[test]
    fn every_explanation_is_there_in_every_language() {
        let codes = [
            "account_currency",
            "holder_name",
            "holder_name_close",
            "duplicate",
            "rejected",
            "cancelled",
            "order_mismatch",
            "amount_mismatch",
            "partial_refund",
            "open",
            "never_booked",
            "interrupted",
            "restored",
            "VALIDATION_ERROR",
            "NOT_FOUND",
            "DUPLICATED",
            "CLOSED",
            "EXPIRED",
            "FAILED",
            "VOID",
            "REFUNDED",
            "FORBIDDEN",
            "UNAUTHENTICATED",
            "rate_limited",
            "not_signed",
            "timeout",
            "PROCESS_FAILED",
            "http_502",
            "amount_format",
            "SOMETHING_NEW",
        ];
        for code in codes {
            for outcome in [Outcome::Failed, Outcome::Expired, Outcome::Invalid] {
                let key = key(&Reason::new(code, ""), outcome);
                for language in Language::ALL {
                    for part in ["what", "todo"] {
                        let words = language.words(&format!("why.{key}.{part}"));
                        assert!(!words.is_empty(), "{code} in {language:?}");
                    }
                }
            }
        }
        for code in ["VALIDATION_ERROR", "NOT_FOUND", "SYSTEM_ERROR", "GATEWAY_TIMEOUT"] {
            assert_ne!(key(&Reason::new(code, ""), Outcome::Failed), "unknown", "{code}");
        }
    }

    #[test]
    fn only_what_the_core_tries_again_is_called_safe() {
        let money = Money::new("10".parse().unwrap(), Currency::Usd).unwrap();
        for &state in State::ALL {
            let mut payout = Payout::new(1, money.clone(), Timestamp::UNIX_EPOCH);
            payout.state = state;
            assert_eq!(safety(&payout) == "safe", payout.is_retriable(), "{state}");
            if payout.outcome().may_have_moved_money() {
                assert_eq!(safety(&payout), "unsafe_moved", "{state}");
            }
        }
    }
}
