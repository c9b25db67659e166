//! Which answers to a query mean that there is no such order, and who says so.
//!
//! How the gateway answers about an order that it does not know is not documented: HTTP 404,
//! `success: false` or an empty `data` are all possible. To believe one of them too easily could
//! send an order twice. So code or text has to say it, and an answer that any server on the way
//! could give counts only while the gateway itself is seen to answer.

use kess_gateway::{Error, ErrorKind};

/// Who may have given an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Witness {
    /// The gateway: the answer has its form.
    Gateway,
    /// The gateway or any server in front of it.
    Anybody,
}

/// Who says that there is no such order; `None` where the answer does not say so.
pub(super) fn told_by(error: &Error) -> Option<Witness> {
    let ok = error.status().is_some_and(|status| (200..300).contains(&status));
    let absent = match error.kind() {
        ErrorKind::NotFound => true,
        // A gateway in trouble answers so as well.
        ErrorKind::Failed => ok && speaks_of_absence(error),
        _ => false,
    };
    let witness = if is_ours(error) { Witness::Gateway } else { Witness::Anybody };
    absent.then_some(witness)
}

/// Whether the answer has a code, or both `success` and a text: `{"message":"Not Found"}` is what
/// many servers say.
fn is_ours(error: &Error) -> bool {
    let body = error.body().map_or(&[][..], |body| body.as_ref());
    let says_success = serde_json::from_slice::<serde_json::Value>(body)
        .is_ok_and(|answer| answer.get("success").is_some());
    error.code().is_some() || (says_success && !error.message().is_empty())
}

fn speaks_of_absence(error: &Error) -> bool {
    has_words_of_absence(error.code().unwrap_or_default(), error.message())
}

fn has_words_of_absence(code: &str, message: &str) -> bool {
    let squeezed: String = format!("{code} {message}")
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    ["notfound", "notexist", "doesntexist", "nosuch", "norecord", "nodata", "noorder"]
        .iter()
        .any(|words| squeezed.contains(words))
}

#[cfg(test)]
mod tests {
    use super::has_words_of_absence;

    #[test]
    fn only_words_of_absence_make_a_failure_a_missing_order() {
        for (code, message) in [
            ("ORDER_NOT_FOUND", ""),
            ("E1004", "The order does not exist."),
            ("", "Transaction not found"),
            ("NO_DATA", "empty"),
        ] {
            assert!(has_words_of_absence(code, message), "{code} {message}");
        }
        for (code, message) in [
            ("PROCESS_FAILED", "Process failed."),
            ("", "Something went wrong, please try again"),
            ("TOO_MANY_ATTEMPTS", "Too Many Attempts."),
            ("", ""),
        ] {
            assert!(!has_words_of_absence(code, message), "{code} {message}");
        }
    }
}
