//! What people read where the gateway says no: what it means for them, then the gateway's words.
//!
//! Words only. Which of the port's errors an answer is, and so what it means for money, is decided
//! in the module above, never from these texts.

use kess_gateway::{Error, ErrorKind};

/// What was asked of the gateway; the same code means another thing for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Something about the account of a row.
    Account,
    /// To move money.
    Withdrawal,
    /// About an order, or to close it.
    Order,
    /// About the merchant's wallets.
    Wallets,
}

/// One line for a person: plain words first, the gateway's code and text behind them.
pub(super) fn in_words(asked: Asked, error: &Error) -> String {
    let meaning = meaning(asked, error.kind(), error.code(), error.status());
    sentence(meaning, error.code(), error.message())
}

/// What an answer of this kind means, where there is more to say than the client says.
fn meaning(
    asked: Asked,
    kind: ErrorKind,
    code: Option<&str>,
    status: Option<u16>,
) -> Option<&'static str> {
    Some(match (kind, asked) {
        (ErrorKind::NotFound, Asked::Account) => "the bank knows no such account",
        (ErrorKind::NotFound, Asked::Withdrawal) => "the gateway knows no such account",
        (ErrorKind::NotFound, Asked::Order) => "the gateway knows no such order",
        (ErrorKind::NotFound, Asked::Wallets) => "the gateway knows no such seller",
        (ErrorKind::Refused, Asked::Account) => "the bank refuses the account's data",
        (ErrorKind::Refused, Asked::Withdrawal) => "the gateway refuses the payment",
        (ErrorKind::Refused, Asked::Order | Asked::Wallets) => "the gateway refuses the question",
        // No gateway said so: this client has a token provider.
        (ErrorKind::Authentication, _) if status.is_none() => {
            "whoever hands out the tokens gives none"
        }
        (ErrorKind::Authentication, _) => match code {
            Some("invalid_grant") => "the gateway does not accept user name and password",
            Some("invalid_client") => "the gateway does not accept client id and client secret",
            _ => "the gateway does not accept the credentials",
        },
        (ErrorKind::Forbidden, _) => {
            "the gateway does not serve this caller: its address is not on the allow-list, or the \
             account may not do this"
        }
        (ErrorKind::NotSigned, _) => "whoever signs for this app does not sign it",
        (ErrorKind::Duplicate, _) => "the order number was used before",
        (ErrorKind::Expired, _) => "the time for it is over",
        (ErrorKind::RateLimited, _) => "the gateway asks for fewer calls",
        (ErrorKind::Unavailable, _) if status.is_none() => return None,
        (ErrorKind::Unavailable, _) => "the gateway, or a bank behind it, does not work now",
        (ErrorKind::Failed, _) => "the gateway, or a bank behind it, could not do it",
        _ => return None,
    })
}

fn sentence(meaning: Option<&str>, code: Option<&str>, said: &str) -> String {
    let said = said.trim().trim_end_matches('.');
    let Some(meaning) = meaning else { return said.to_owned() };
    match (code, said) {
        (None, "") => meaning.to_owned(),
        (None, said) => format!("{meaning} ({said})"),
        (Some(code), "") => format!("{meaning} ({code})"),
        (Some(code), said) => format!("{meaning} ({code}: {said})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_what_it_means_and_then_who_said_what() {
        let of = |asked, kind, code: Option<&str>, said| {
            sentence(meaning(asked, kind, code, Some(400)), code, said)
        };
        assert_eq!(
            of(Asked::Account, ErrorKind::NotFound, Some("NOT_FOUND"), "Record not found."),
            "the bank knows no such account (NOT_FOUND: Record not found)"
        );
        assert_eq!(
            of(Asked::Withdrawal, ErrorKind::Refused, Some("VALIDATION_ERROR"), ""),
            "the gateway refuses the payment (VALIDATION_ERROR)"
        );
        assert_eq!(
            of(Asked::Wallets, ErrorKind::Authentication, Some("invalid_grant"), "No."),
            "the gateway does not accept user name and password (invalid_grant: No)"
        );
        assert_eq!(
            of(Asked::Order, ErrorKind::Timeout, None, "no answer within 30 s"),
            "no answer within 30 s"
        );
    }
}
