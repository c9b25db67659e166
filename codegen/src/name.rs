//! Names: from the wire's many spellings to snake_case, and from there to Rust.
//!
//! Knows nothing of the spec; a name that cannot be one in Rust is escaped here, in one place.

use proc_macro2::{Ident, Span};

/// `purchaseRequestId` → `purchase_request_id`, `bakongAccountID` → `bakong_account_id`,
/// `BIN` → `bin`. A run of capitals is one word; its last letter begins the next word where a small
/// letter follows.
pub(crate) fn snake(wire: &str) -> String {
    let chars: Vec<char> = wire.chars().collect();
    let mut out = String::with_capacity(wire.len() + 4);
    for (index, &c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            push_separator(&mut out);
            continue;
        }
        let after_small = index > 0
            && (chars[index - 1].is_ascii_lowercase() || chars[index - 1].is_ascii_digit());
        let before_small = chars.get(index + 1).is_some_and(char::is_ascii_lowercase);
        let after_letter = index > 0 && chars[index - 1].is_ascii_alphanumeric();
        if c.is_ascii_uppercase() && (after_small || (after_letter && before_small)) {
            push_separator(&mut out);
        }
        out.push(c.to_ascii_lowercase());
    }
    out.trim_end_matches('_').to_owned()
}

fn push_separator(out: &mut String) {
    if !out.is_empty() && !out.ends_with('_') {
        out.push('_');
    }
}

/// `order_status` → `OrderStatus`, `PENDING_REFUND` → `PendingRefund`, `FAILED ON VERIFY` →
/// `FailedOnVerify`, `ABAAKHPP` → `Abaakhpp`.
pub(crate) fn pascal(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for word in snake(name).split('_') {
        let mut chars = word.chars();
        if let Some(first) = chars.next() {
            out.push(first.to_ascii_uppercase());
            out.push_str(chars.as_str());
        }
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) { format!("N{out}") } else { out }
}

/// `out_trade_no` → `outTradeNo`, `required_3ds` → `required3ds`: the snake_case of Rust as UniFFI
/// spells it in Kotlin and Swift.
pub(crate) fn camel(snake: &str) -> String {
    let mut words = snake.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut chars = word.chars();
        name.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        name + chars.as_str()
    })
}

/// An identifier; a word that Rust keeps for itself is written raw, or with a trailing underscore
/// where even that is not allowed.
pub(crate) fn ident(name: &str) -> Ident {
    match name {
        "self" | "Self" | "super" | "crate" => Ident::new(&format!("{name}_"), Span::call_site()),
        _ if syn::parse_str::<Ident>(name).is_ok() => Ident::new(name, Span::call_site()),
        _ => Ident::new_raw(name, Span::call_site()),
    }
}

/// Words that no name may be in Python, and those that every call and every record of the package
/// has: a field of that name gets a trailing underscore.
const KEPT_IN_PYTHON: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "reply", "return", "self",
    "timeout", "try", "while", "with", "yield",
];

/// A name in Python: the snake_case that it has in Rust, unless the word is taken.
pub(crate) fn python(snake: &str) -> String {
    let kept = KEPT_IN_PYTHON.contains(&snake);
    if kept { format!("{snake}_") } else { snake.to_owned() }
}

/// `PENDING_REFUND` stays, `HMAC-SHA256` → `HMAC_SHA256`, `Succeed` → `SUCCEED`, `1` → `N1`.
pub(crate) fn constant(value: &str) -> String {
    let words = if value.chars().any(|c| c.is_ascii_lowercase()) {
        snake(value)
    } else {
        value.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
    };
    let name = words.trim_matches('_').to_ascii_uppercase();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("N{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::{camel, constant, ident, pascal, python, snake};

    #[test]
    fn values_become_constants() {
        for (value, expected) in [
            ("PENDING_PARTIAL_REFUND", "PENDING_PARTIAL_REFUND"),
            ("HMAC-SHA256", "HMAC_SHA256"),
            ("FAILED ON VERIFY TRX", "FAILED_ON_VERIFY_TRX"),
            ("CARD_NOT_SUPPORT_3DS", "CARD_NOT_SUPPORT_3DS"),
            ("Succeed", "SUCCEED"),
            ("notYet", "NOT_YET"),
            ("in", "IN"),
            ("1", "N1"),
        ] {
            assert_eq!(constant(value), expected, "{value}");
        }
    }

    #[test]
    fn words_of_python_are_escaped() {
        assert_eq!(python("from"), "from_");
        assert_eq!(python("timeout"), "timeout_");
        assert_eq!(python("type"), "type");
    }

    #[test]
    fn wire_names_become_snake_case() {
        for (wire, expected) in [
            ("total_amount", "total_amount"),
            ("purchaseRequestId", "purchase_request_id"),
            ("bakongAccountID", "bakong_account_id"),
            ("BIN", "bin"),
            ("acquirerICA", "acquirer_ica"),
            ("txnDateTimeWithTime", "txn_date_time_with_time"),
            ("detail[]", "detail"),
            ("seller[code]", "seller_code"),
            ("v2Refund", "v2_refund"),
            ("HTMLPage", "html_page"),
        ] {
            assert_eq!(snake(wire), expected, "{wire}");
        }
    }

    #[test]
    fn values_become_variants() {
        for (value, expected) in [
            ("PENDING_PARTIAL_REFUND", "PendingPartialRefund"),
            ("HMAC-SHA256", "HmacSha256"),
            ("FAILED ON VERIFY TRX", "FailedOnVerifyTrx"),
            ("ABAAKHPP", "Abaakhpp"),
            ("1", "N1"),
        ] {
            assert_eq!(pascal(value), expected, "{value}");
        }
    }

    #[test]
    fn snake_case_becomes_camel_case() {
        for (snake, expected) in [
            ("out_trade_no", "outTradeNo"),
            ("v2_refund", "v2Refund"),
            ("required_3ds", "required3ds"),
            ("from", "from"),
        ] {
            assert_eq!(camel(snake), expected, "{snake}");
        }
    }

    #[test]
    fn words_of_rust_are_escaped() {
        assert_eq!(ident("type").to_string(), "r#type");
        assert_eq!(ident("self").to_string(), "self_");
        assert_eq!(ident("amount").to_string(), "amount");
    }
}
