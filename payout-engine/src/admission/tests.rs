//! Each condition refuses what it should and nothing else, and what is refused leaves no trace.

use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::{ErrorKind, SqliteStore, intake::SEALED_BYTES};

const HEADING: &str =
    "reference,first_name,last_name,phone_number,email,bank_account_number,bic,amount,currency";

fn row(reference: &str, account: &str, amount: &str) -> String {
    format!("{reference},Dara,Sok,012345678,dara@example.com,{account},ABAAKHPP,{amount},USD")
}

fn checked(rows: &[String]) -> Checked {
    let text = format!("{HEADING}\n{}\n", rows.join("\n"));
    intake::check_bytes(text.into_bytes(), SEALED_BYTES).unwrap()
}

/// Two rows, 30.50 USD together.
fn good() -> Checked {
    checked(&[row("P-1", "001234", "10.50"), row("P-2", "001235", "20")])
}

fn refused(conditions: &Conditions, checked: &Checked) -> (String, Option<String>) {
    let error = conditions.check_file(checked).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.refusal().is_some());
    (error.to_string(), error.hint())
}

fn gateway() -> GatewayIdentity {
    GatewayIdentity { base_url: "https://gateway.example".into(), seller_code: "CU1".into() }
}

struct Books {
    engine: Engine,
    _folder: TempDir,
}

impl Books {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(folder.path().join("payout.db")).await.unwrap();
        Self { engine: Engine::new(Arc::new(store)), _folder: folder }
    }

    fn store(&self) -> &dyn Store {
        &**self.engine.store()
    }

    async fn take_in(
        &self,
        conditions: &Conditions,
        checked: &Checked,
        name: Option<&str>,
    ) -> Result<Batch, Error> {
        let options = BatchOptions { concurrency: 7, ..BatchOptions::default() };
        conditions.take_in(&self.engine, checked, "june.csv", name, options, &gateway()).await
    }
}

#[test]
fn a_file_in_order_passes_and_one_with_problems_does_not() {
    let conditions = Conditions::default();
    assert!(conditions.check_file(&good()).is_ok());
    let bad = checked(&[row("P-1", "001234", "10.50"), row("P-2", "001235", "-1")]);
    let (message, hint) = refused(&conditions, &bad);
    assert_eq!(message, "the file was refused, nothing was sent");
    assert!(hint.unwrap().ends_with("with skip_invalid"));
    let skipping = Conditions { skip_invalid: true, ..conditions };
    assert!(skipping.check_file(&bad).is_ok());
}

#[test]
fn what_concerns_the_whole_file_cannot_be_skipped() {
    let skipping = Conditions { skip_invalid: true, ..Conditions::default() };
    let none = checked(&[row("P-1", "001234", "-1")]);
    let (message, hint) = refused(&skipping, &none);
    assert_eq!(message, "no row of the file is valid, nothing was sent");
    assert_eq!(hint.unwrap(), "repair the file; `check` shows all that is wrong");
    let headless = intake::check_bytes(b"reference,amount\nP-1,10\n".to_vec(), SEALED_BYTES);
    let (message, _) = refused(&skipping, &headless.unwrap());
    assert!(message.starts_with("line 1 cannot be skipped: "), "{message}");
}

#[test]
fn rows_and_sums_are_held_against_what_was_expected() {
    let expecting = |rows, totals: &[(&str, &str)]| Conditions {
        expect_rows: rows,
        expect_total: totals
            .iter()
            .map(|&(currency, sum)| (Currency::from(currency), sum.parse().unwrap()))
            .collect(),
        ..Conditions::default()
    };
    assert!(expecting(Some(2), &[("USD", "30.5"), ("KHR", "0")]).check_file(&good()).is_ok());
    let (message, hint) = refused(&expecting(Some(3), &[]), &good());
    assert_eq!(message, "the file has 2 rows, expect_rows says 3; nothing was sent");
    assert_eq!(hint, None);
    let (message, _) = refused(&expecting(None, &[("USD", "30.5"), ("KHR", "1")]), &good());
    let expected = "the valid rows add up to 0 KHR, expect_total says 1; nothing was sent";
    assert_eq!(message, expected);
}

#[tokio::test]
async fn another_batch_with_the_same_rows_refuses_the_file_unless_a_reason_is_given() {
    let books = Books::new().await;
    let conditions = Conditions::default();
    books.take_in(&conditions, &good(), Some("june")).await.unwrap();
    let error = conditions.check_elsewhere(books.store(), &good()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(error.refusal().unwrap().elsewhere().unwrap().count(), 2);
    let text = error.to_string();
    for part in ["2 rows of this file", "this is batch june again", "P-1: pending as row 1"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("001234"), "{text}");
    assert!(error.hint().unwrap().ends_with("say why with allow_duplicate"));

    let allowed =
        Conditions { allow_duplicate: Some("meant so".to_owned()), ..Conditions::default() };
    assert_eq!(allowed.check_elsewhere(books.store(), &good()).await.unwrap().count(), 2);
    let dry = Conditions { dry_run: true, ..Conditions::default() };
    assert_eq!(dry.check_elsewhere(books.store(), &good()).await.unwrap(), Elsewhere::default());
}

#[tokio::test]
async fn the_same_payments_under_other_references_are_a_warning() {
    let books = Books::new().await;
    let conditions = Conditions::default();
    books.take_in(&conditions, &good(), Some("june")).await.unwrap();
    let twin = checked(&[row("Q-1", "001234", "10.50"), row("Q-2", "001235", "20")]);
    let found = conditions.check_elsewhere(books.store(), &twin).await.unwrap();
    let warnings: Vec<_> = found.warnings().collect();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].starts_with("batch june pays the same accounts"), "{warnings:?}");
}

#[tokio::test]
async fn a_batch_is_called_after_its_file_and_the_time_and_keeps_its_conditions() {
    let books = Books::new().await;
    let conditions = Conditions {
        dry_run: true,
        allow_duplicate: Some("meant so".to_owned()),
        ..Conditions::default()
    };
    let checked = good();
    let batch = books.take_in(&conditions, &checked, None).await.unwrap();
    assert!(batch.name.starts_with("june-20"), "{}", batch.name);
    assert_eq!(batch.source, format!("june.csv (sha256 {})", checked.sha256));
    assert_eq!((batch.rows, batch.options.concurrency), (2, 7));
    assert!(batch.options.dry_run);
    assert_eq!(batch.options.allow_duplicate.as_deref(), Some("meant so"));

    let now: Timestamp = "2026-06-30T17:00:05Z".parse().unwrap();
    let name = free_name(books.store(), "july.csv", now).await.unwrap();
    assert_eq!(name, "july-20260630-170005");
    for number in [2, 3] {
        let taken = free_name(books.store(), "july.csv", now).await.unwrap();
        books.take_in(&conditions, &checked, Some(&taken)).await.unwrap();
        let free = free_name(books.store(), "july.csv", now).await.unwrap();
        assert_eq!(free, format!("july-20260630-170005-{number}"));
    }
}

#[tokio::test]
async fn a_file_that_does_not_meet_the_conditions_never_becomes_a_batch() {
    let books = Books::new().await;
    let conditions = Conditions { expect_rows: Some(9), ..Conditions::default() };
    let error = books.take_in(&conditions, &good(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(books.store().batches().await.unwrap().is_empty());
}

#[test]
fn names_of_batches_are_read_or_refused() {
    assert_eq!(batch_name(" june-2026 ").unwrap(), "june-2026");
    assert!(batch_name("បៀវត្ស").is_ok());
    for bad in ["", "  ", "a\nb", "a/b", &"n".repeat(101)] {
        assert!(batch_name(bad).is_err(), "{bad}");
    }
}
