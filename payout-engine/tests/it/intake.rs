//! Bad files, one test for each kind of damage: what is found, where, and that nothing is hidden.

use std::fs;
use std::path::PathBuf;

use payout_engine::intake::{self, Checked, Code, SEALED_BYTES};
use tempfile::TempDir;

pub(crate) const HEADING: &str =
    "reference,first_name,last_name,phone_number,email,bank_account_number,bic,amount,currency";

/// A row that is in order.
pub(crate) fn row(reference: &str) -> String {
    row_with(reference, "000123456", "10.50", "USD")
}

pub(crate) fn row_with(reference: &str, account: &str, amount: &str, currency: &str) -> String {
    format!(
        "{reference},Dara,Sok,012345678,dara@example.com,{account},ABAAKHPP,{amount},{currency}"
    )
}

/// A folder with one file in it.
pub(crate) struct Batch {
    _folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Batch {
    pub(crate) fn of(bytes: impl AsRef<[u8]>) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("batch.csv");
        fs::write(&path, bytes).unwrap();
        Self { _folder: folder, path }
    }

    pub(crate) fn rows(rows: &[&str]) -> Self {
        Self::of(format!("{HEADING}\n{}\n", rows.join("\n")))
    }

    pub(crate) fn check(&self) -> Checked {
        intake::check(&self.path, SEALED_BYTES).unwrap()
    }
}

/// `line/row/column/code` of every problem.
pub(crate) fn problems(checked: &Checked) -> Vec<String> {
    let text = |finding: &intake::Finding| {
        let row = finding.row.map_or("-".to_owned(), |row| row.to_string());
        let column = finding.column.as_deref().unwrap_or("-");
        format!("{}/{row}/{column}/{}", finding.line, finding.code)
    };
    checked.problems.iter().map(text).collect()
}

pub(crate) fn warnings(checked: &Checked) -> Vec<(u64, Code)> {
    checked.warnings.iter().map(|finding| (finding.line, finding.code)).collect()
}

#[track_caller]
pub(crate) fn refused(bytes: impl AsRef<[u8]>, expected: &[&str]) -> Checked {
    let checked = Batch::of(bytes).check();
    assert_eq!(problems(&checked), expected);
    checked
}

#[track_caller]
pub(crate) fn accepted(bytes: impl AsRef<[u8]>, valid: u64) -> Checked {
    let checked = refused(bytes, &[]);
    assert_eq!((checked.rows, checked.valid), (valid, valid));
    checked
}

pub(crate) fn file(rows: &[String]) -> String {
    format!("{HEADING}\n{}\n", rows.join("\n"))
}

#[test]
fn a_good_file_has_its_sums_by_currency() {
    let rows =
        [row("A"), row_with("B", "000123457", "41000", "KHR"), row_with("C", "1", "0.5", "USD")];
    let checked = accepted(file(&rows), 3);
    let totals: Vec<_> = checked.totals.iter().map(|(c, a)| format!("{c} {a}")).collect();
    assert_eq!(totals, ["USD 11", "KHR 41000"]);
    assert_eq!(checked.sha256.len(), 64);
}

#[test]
fn leading_zeros_live_and_unknown_columns_are_kept() {
    let text = format!("{HEADING},Staff Note,\n{},0042,\n", row("A"));
    let batch = Batch::of(text);
    let checked = batch.check();
    let payouts: Vec<_> = intake::load(&checked).unwrap().map(Result::unwrap).collect();
    assert_eq!(payouts.len(), 1);
    let payout = &payouts[0];
    assert_eq!(payout.payee.bank_account_number.expose(), "000123456");
    assert_eq!(payout.payee.phone_number.expose(), "012345678");
    assert_eq!(payout.extra[0], ("Staff Note".to_owned(), "0042".to_owned()));
    assert_eq!((payout.row, payout.line), (1, 2));
}

#[test]
fn columns_in_any_order_case_and_in_khmer() {
    let text = "CURRENCY;Amount;BIC;លេខគណនី;E-Mail;Phone Number;LAST NAME;FirstName;លេខយោង\n\
                USD;10.50;WING;000123456;d@example.com;012345678;Sok;ដារ៉ា;A-1\n";
    accepted(text, 1);
}

#[test]
fn heading_repeated_where_files_were_joined() {
    refused(file(&[row("A"), HEADING.to_uppercase(), row("B")]), &["3/2/-/repeated_heading"]);
}

#[test]
fn another_heading_among_the_rows_is_not_skipped() {
    let other = "reference,first_name,last_name,bank_account_number,email,phone_number,bic,amount,\
                 currency";
    let checked = refused(file(&[row("A"), other.to_owned(), row("B")]), &["3/-/-/other_heading"]);
    assert!(!checked.can_skip_problems());
}

#[test]
fn semicolons_and_tabs_are_read() {
    for delimiter in [";", "\t"] {
        accepted(file(&[row("A"), row("B")]).replace(',', delimiter), 2);
    }
}

#[test]
fn the_sep_line_of_a_spreadsheet_is_obeyed_and_counted() {
    let text = format!("sep=;\r\n{}", file(&[row("A"), row_with("B", "x", "1", "USD")]));
    refused(text.replace(',', ";"), &["4/2/bank_account_number/account_digits"]);
}

#[test]
fn a_semicolon_file_with_decimal_commas_is_refused_by_amount() {
    let text = file(&[row("A")]).replace(',', ";").replace("10.50", "10,50");
    refused(text, &["2/1/amount/amount_separator"]);
}

#[test]
fn line_ends_of_every_system() {
    for end in ["\r\n", "\r", "\n"] {
        accepted(file(&[row("A"), row("B")]).replace('\n', end), 2);
    }
}

#[test]
fn a_line_break_inside_quotes_moves_the_physical_line_not_the_row() {
    let heading = format!("{HEADING},address");
    let text = format!(
        "{heading}\n{},\"St 5\nPhnom Penh\"\n{},\n",
        row("A"),
        row_with("B", "x", "1", "USD")
    );
    refused(text, &["4/2/bank_account_number/account_digits"]);
}

#[test]
fn a_line_break_in_a_name() {
    let text = file(&[row("A").replace("Dara,", "\"Da\nra\",")]);
    refused(text, &["2/1/first_name/line_break"]);
}

#[test]
fn an_unclosed_quote_does_not_swallow_the_file() {
    let rows =
        [row("A"), row("B").replace("Dara", "\"Dara"), row("C"), row_with("D", "x", "1", "USD")];
    refused(
        file(&rows),
        &["3/-/first_name/unclosed_quote", "5/3/bank_account_number/account_digits"],
    );
}

#[test]
fn text_after_a_closing_quote() {
    let text = file(&[row("A").replace("Dara", "\"Da\"ra"), row("B")]);
    refused(text, &["2/-/first_name/text_after_quote"]);
}

#[test]
fn rows_swallowed_by_two_stray_quotes() {
    let heading = format!("{HEADING},note");
    let text = format!("{heading}\n{},\"a\n{},b\n{},c\"\n", row("A"), row("B"), row("C"));
    refused(text, &["2/-/-/swallowed_rows"]);
}

#[test]
fn endless_broken_quotes_stop_the_reading() {
    let rows: Vec<_> = (0..100).map(|_| "\"a\"b".to_owned()).collect();
    let checked = Batch::of(file(&rows)).check();
    assert_eq!(checked.problems.last().map(|p| p.code), Some(Code::TooManyBrokenQuotes));
    assert_eq!(checked.problems.len(), 21);
}

#[test]
fn ragged_rows() {
    let rows =
        [row("A"), format!("{},x", row("B")), "C,Dara".to_owned(), format!("{},,", row("D"))];
    refused(file(&rows), &["3/2/-/ragged_row", "4/3/-/ragged_row"]);
}

#[test]
fn thousands_without_quotes_make_a_ragged_row() {
    refused(file(&[row_with("A", "1", "1,234.50", "USD")]), &["2/1/-/ragged_row"]);
}

#[test]
fn a_cut_last_row() {
    let text = format!("{HEADING}\n{}\nB,Dara,Sok,0123", row("A"));
    refused(text, &["3/2/-/cut_off"]);
}

#[test]
fn a_last_line_without_an_end_whose_amount_may_be_cut() {
    let text = "currency,reference,first_name,last_name,phone_number,email,bank_account_number,\
                bic,amount\nUSD,A,Dara,Sok,012345678,dara@example.com,000123456,WING,100";
    assert_eq!(warnings(&accepted(text, 1)), [(2, Code::NoLineEnd)]);
    assert_eq!(warnings(&accepted(format!("{text}\n"), 1)), []);
    assert_eq!(warnings(&accepted(format!("{HEADING}\n{}", row("A")), 1)), []);
}

#[test]
fn blank_rows_are_passed_over_with_one_warning() {
    let rows = [row("A"), String::new(), ",,,,,,,,".to_owned(), "  ".to_owned(), row("B")];
    let checked = accepted(file(&rows), 2);
    assert_eq!(warnings(&checked).first(), Some(&(3, Code::BlankRows)));
    assert!(checked.warnings[0].message.starts_with("3 blank rows"));
}

#[test]
fn nine_hundred_thousand_empty_rows_are_one_warning() {
    let text = format!("{}{}", file(&[row("A")]), ",,,,,,,,\n".repeat(900_000));
    let checked = accepted(text, 1);
    assert_eq!(warnings(&checked), [(3, Code::BlankRows)]);
}

#[test]
fn missing_columns_are_all_named() {
    let text = "reference,first_name,last_name,amount\nA,Dara,Sok,1\n";
    let checked = Batch::of(text).check();
    let missing: Vec<_> = checked.problems.iter().filter_map(|p| p.column.as_deref()).collect();
    assert_eq!(missing, ["phone_number", "email", "bank_account_number", "bic", "currency"]);
    assert!(checked.problems.iter().all(|p| p.code == Code::MissingColumn && p.row.is_none()));
}

#[test]
fn duplicated_columns() {
    let text = format!("{HEADING},Amount\n{},1\n", row("A"));
    refused(text, &["1/-/amount/duplicate_column"]);
}

#[test]
fn no_heading_at_all() {
    refused(format!("{}\n", row("A")), &["1/-/-/no_heading"]);
}

#[test]
fn metadata_above_the_heading() {
    let text = format!("Payroll June,,\n\n{}", file(&[row("A")]));
    for delimiter in [",", ";"] {
        let checked = refused(text.replace(',', delimiter), &["1/-/-/lines_above_heading"]);
        assert!(checked.problems[0].message.contains("line 3"));
    }
}

#[test]
fn a_total_row_below() {
    for total in ["Total,,,,,,,10.50,USD", "សរុប,,,,,,,10.50,", ",,,,,,TOTAL:,10.50,"] {
        refused(file(&[row("A"), total.to_owned()]), &["3/2/-/total_row"]);
    }
}

#[test]
fn an_empty_file_and_one_with_a_heading_only() {
    refused("", &["1/-/-/empty_file"]);
    refused("\n\n", &["1/-/-/empty_file"]);
    refused(format!("{HEADING}\n"), &["1/-/-/no_rows"]);
}

#[test]
fn files_of_other_kinds_by_their_first_bytes() {
    let cases: &[(&[u8], &str)] = &[
        (b"\xd0\xcf\x11\xe0rest", "Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1f\x8b\x08rest", "gzip"),
        (b"<!DOCTYPE html><p>", "web page"),
        (b"\n <html>", "web page"),
        (b"{\"rows\":[]}", "JSON"),
    ];
    for (bytes, kind) in cases {
        let checked = refused(bytes, &["1/-/-/wrong_file_type"]);
        assert!(checked.problems[0].message.contains(kind), "{}", checked.problems[0].message);
    }
}

#[test]
fn the_same_reference_twice_refuses_both_and_takes_both_from_the_sums() {
    let rows = [row("A"), row_with("B", "000777", "5", "USD"), format!(" {} ", row("A"))];
    let checked = refused(
        file(&rows),
        &["2/1/reference/duplicate_reference", "4/3/reference/duplicate_reference"],
    );
    assert_eq!((checked.rows, checked.valid), (3, 1));
    assert_eq!(checked.totals.values().map(ToString::to_string).collect::<Vec<_>>(), ["5"]);
    assert!(checked.can_skip_problems());
}

#[test]
fn skipping_marks_the_copies_as_invalid_and_loses_none() {
    let batch = Batch::rows(&[&row("A"), &row("B"), &row("A"), "x"]);
    let checked = batch.check();
    let payouts: Vec<_> = intake::load(&checked).unwrap().map(Result::unwrap).collect();
    let codes: Vec<_> =
        payouts.iter().map(|p| p.invalid.as_ref().map(|r| r.code.as_str())).collect();
    let copy = Some("duplicate_reference");
    assert_eq!(codes, [copy, None, copy, Some("ragged_row")]);
}

#[test]
fn references_that_differ_in_case_only() {
    let rows = [row("pay-1"), row_with("PAY-1", "000777", "5", "USD")];
    assert_eq!(warnings(&accepted(file(&rows), 2)), [(3, Code::ReferenceCase)]);
}

#[test]
fn the_same_payee_and_amount_twice_is_a_warning() {
    let rows = [row("A"), row("B"), row_with("C", "000123456", "10.5", "USD")];
    let checked = accepted(file(&rows), 3);
    let twice = Code::SamePayeeAndAmount;
    assert_eq!(warnings(&checked), [(3, twice), (4, twice)]);
    assert!(checked.warnings[1].message.contains("line 2"));
}

#[test]
fn a_customer_block_that_does_not_fit_the_key() {
    let long = "ភ្នំពេញ ".repeat(12);
    let text = format!("{HEADING},address,city\n{},{long},Phnom Penh\n", row("A"));
    let batch = Batch::of(text);
    assert_eq!(problems(&batch.check()), ["2/1/address/customer_too_large"]);
    let message = &batch.check().problems[0].message;
    assert!(message.contains("more than"), "{message}");
    let roomy = intake::check(&batch.path, 501).unwrap();
    assert!(roomy.is_good(), "{:?}", roomy.problems);
}

#[test]
fn a_file_that_changed_since_it_was_checked_is_not_loaded() {
    let batch = Batch::rows(&[&row("A")]);
    let checked = batch.check();
    fs::write(&batch.path, file(&[row_with("A", "000999999", "10.50", "USD")])).unwrap();
    let items: Vec<_> = intake::load(&checked).unwrap().collect();
    let error = items.last().unwrap().as_ref().unwrap_err();
    assert!(error.to_string().contains("changed while it was read"), "{error}");
}

#[test]
fn a_file_that_is_not_there_and_a_folder() {
    let folder = TempDir::new().unwrap();
    for path in [folder.path().join("none.csv"), folder.path().to_owned()] {
        let error = intake::check(&path, SEALED_BYTES).unwrap_err();
        assert!(error.to_string().contains("cannot be read"), "{error}");
    }
}

/// Where both must agree, they do: strict reading is a subset of lenient reading.
#[test]
fn fields_agree_with_a_lenient_reader_where_the_file_is_in_order() {
    use proptest::prelude::*;
    let field = "[ -~\u{1780}-\u{17a0}\n\"]{0,12}";
    proptest!(ProptestConfig::with_cases(300), |(notes in prop::collection::vec(field, 1..8))| {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let heading = format!("{HEADING},note");
        writer.write_record(heading.split(',')).unwrap();
        for (number, note) in notes.iter().enumerate() {
            let row = row(&format!("R{number}"));
            writer.write_record(row.split(',').chain([note.as_str()])).unwrap();
        }
        let batch = Batch::of(writer.into_inner().unwrap());
        let checked = batch.check();
        prop_assert_eq!(problems(&checked), Vec::<String>::new());
        let read: Vec<_> =
            intake::load(&checked).unwrap().map(|p| p.unwrap().extra[0].1.clone()).collect();
        prop_assert_eq!(read, notes);
    });
}

/// What intake lets pass, the client can seal, to the byte: nothing is found out after money moved.
#[test]
fn intake_and_the_client_agree_on_what_can_be_sealed() {
    use kess_gateway::objects::Customer;
    let sandbox = kess_sandbox::Sandbox::start().unwrap();
    let key = kess_gateway::PublicKey::from_pem(&sandbox.credentials().public_key_pem).unwrap();
    let (mut fitting, mut too_long) = (0, 0);
    for extra in ["", "ភ្នំ", "a \"quoted\" \\ line\nbreak", "/tab\u{2028}é"] {
        for length in 60..180 {
            let address = format!("{extra}{}", "x".repeat(length));
            let customer = Customer::new("012345678", "dara@example.com", "Dara", "Sok")
                .set_address(&*address);
            let seals = key.seal(&customer).is_ok();
            let quoted = address.replace('"', "\"\"");
            let text = format!("{HEADING},address\n{},\"{quoted}\"\n", row("A"));
            let passes = Batch::of(text).check().is_good();
            assert_eq!(passes, seals, "{length} after {extra:?}");
            if passes { fitting += 1 } else { too_long += 1 }
        }
    }
    assert!(fitting > 0 && too_long > 0, "{fitting} fit, {too_long} do not");
}
