//! Excel workbooks: the same rows by the same rules, and what only a cell can get wrong.

use std::io::{Cursor, Write};

use payout_engine::intake::{self, Checked, Code, SEALED_BYTES};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::intake::{HEADING, problems, row, row_with, warnings};

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const DOCUMENT: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// An archive of these parts.
fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, text) in parts {
        zip.start_file(*name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook of these sheets: name, attributes and rows.
fn workbook(sheets: &[(&str, &str, &str)]) -> Vec<u8> {
    workbook_with(sheets, &[])
}

fn workbook_with(sheets: &[(&str, &str, &str)], more: &[(&str, &str)]) -> Vec<u8> {
    let sheet = |rows: &str| {
        format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>")
    };
    let sheets: Vec<_> =
        sheets.iter().map(|(name, attributes, rows)| (*name, *attributes, sheet(rows))).collect();
    assemble(&sheets, more)
}

/// A workbook of sheets that are given whole, and of other parts.
fn assemble(sheets: &[(&str, &str, String)], more: &[(&str, &str)]) -> Vec<u8> {
    let (mut listed, mut related, mut parts) = (String::new(), String::new(), Vec::new());
    for (number, (name, attributes, sheet)) in (1..).zip(sheets) {
        listed += &format!(
            "<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"r{number}\" {attributes}/>"
        );
        related += &format!(
            "<Relationship Id=\"r{number}\" Type=\"{DOCUMENT}/worksheet\" \
             Target=\"worksheets/sheet{number}.xml\"/>"
        );
        parts.push((format!("xl/worksheets/sheet{number}.xml"), sheet));
    }
    let root = format!(
        "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"r0\" \
         Type=\"{DOCUMENT}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let related =
        format!("<Relationships xmlns=\"{PACKAGE}/relationships\">{related}</Relationships>");
    let book = format!(
        "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{DOCUMENT}\"><sheets>{listed}</sheets></workbook>"
    );
    // Style 1 is a date.
    let styles = format!(
        "<styleSheet xmlns=\"{MAIN}\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/>\
         <xf numFmtId=\"14\"/></cellXfs></styleSheet>"
    );
    let mut all = vec![
        ("_rels/.rels", root.as_str()),
        ("xl/workbook.xml", &book),
        ("xl/_rels/workbook.xml.rels", &related),
        ("xl/styles.xml", &styles),
    ];
    all.extend(parts.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    all.extend(more);
    archive(&all)
}

fn text(value: &str) -> String {
    format!("<c t=\"inlineStr\"><is><t>{value}</t></is></c>")
}

/// A row of a sheet out of a line of CSV, all of it text.
fn texts(line: &str) -> String {
    format!("<row>{}</row>", line.split(',').map(text).collect::<String>())
}

/// A row in order but for the cell of `column`, given as XML.
fn with_cell(reference: &str, column: &str, cell: &str) -> String {
    let row = row(reference);
    let cells = HEADING.split(',').zip(row.split(','));
    let cells =
        cells.map(|(name, value)| if name == column { cell.to_owned() } else { text(value) });
    format!("<row>{}</row>", cells.collect::<String>())
}

fn number(value: &str) -> String {
    format!("<c><v>{value}</v></c>")
}

fn check(bytes: Vec<u8>) -> Checked {
    intake::check_bytes(bytes, SEALED_BYTES).unwrap()
}

/// Checks a workbook with one sheet: the heading and these rows.
fn check_rows(rows: &[String]) -> Checked {
    check(workbook(&[("June", "", &(texts(HEADING) + &rows.concat()))]))
}

#[test]
fn a_sheet_is_read_as_the_same_rows_in_a_csv() {
    let rows = [row("A"), row_with("B", "x", "1,5", "USD"), row_with("C", "007", "41000", "KHR")];
    let sheet: String = rows.iter().map(|row| texts(&row.replace("1,5", "1;5"))).collect();
    let checked = check(workbook(&[("June", "", &(texts(HEADING) + &sheet))]));
    let found = ["3/2/bank_account_number/account_digits", "3/2/amount/amount_format"];
    assert_eq!(problems(&checked), found);
    assert_eq!((checked.rows, checked.valid), (3, 2));
    let payouts: Vec<_> = intake::load(&checked).unwrap().map(Result::unwrap).collect();
    assert_eq!((payouts[2].row, payouts[2].line), (3, 4));
    assert_eq!(payouts[2].payee.bank_account_number.expose(), "007");
    assert_eq!(payouts[2].money.amount().to_string(), "41000");
}

#[test]
fn a_number_where_digits_are_text_is_a_finding() {
    for column in ["bank_account_number", "phone_number"] {
        let checked = check_rows(&[with_cell("A", column, &number("12345678"))]);
        assert_eq!(problems(&checked), [format!("2/1/{column}/numeric_cell")]);
        assert!(checked.problems[0].hint.contains("as text before typing"));
        assert_eq!(checked.problems[0].value.as_deref(), Some("12****678"));
    }
    let heading = texts(&format!("{HEADING},postcode"));
    let row = texts(&row("A")).replace("</row>", &format!("{}</row>", number("12000")));
    let checked = check(workbook(&[("June", "", &(heading + &row))]));
    assert_eq!(problems(&checked), ["2/1/postcode/numeric_cell"]);
}

#[test]
fn a_number_is_an_amount_where_its_shortest_text_is_exact() {
    // What Excel writes for 10.05 has 17 digits, and is 10.05.
    let cases = [
        ("10.5", Ok("10.5")),
        ("100", Ok("100")),
        ("10.050000000000001", Ok("10.05")),
        ("1E3", Ok("1000")),
        ("999999999999.99", Ok("999999999999.99")),
        ("0.30000000000000004", Err("amount_decimals")),
        ("10.005", Err("amount_decimals")),
        ("-5", Err("amount_not_positive")),
        ("0", Err("amount_not_positive")),
        ("1E+20", Err("amount_too_large")),
        ("nan", Err("amount_format")),
    ];
    for (value, expected) in cases {
        let checked = check_rows(&[with_cell("A", "amount", &number(value))]);
        match expected {
            Ok(money) => {
                let payout = intake::load(&checked).unwrap().next().unwrap().unwrap();
                assert_eq!(
                    (problems(&checked), payout.money.amount().to_string()),
                    (vec![], money.into())
                );
            }
            Err(code) => assert_eq!(problems(&checked), [format!("2/1/amount/{code}")], "{value}"),
        }
    }
}

#[test]
fn formulas_dates_booleans_and_errors_in_known_columns() {
    let cases = [
        ("<c><f>5+5</f><v>10</v></c>", "spreadsheet_formula"),
        ("<c t=\"str\"><f>A1</f><v>10</v></c>", "spreadsheet_formula"),
        ("<c><f>A1</f></c>", "spreadsheet_formula"),
        ("<c s=\"1\"><v>46000</v></c>", "cell_kind"),
        ("<c t=\"d\"><v>2026-06-01</v></c>", "cell_kind"),
        ("<c t=\"b\"><v>1</v></c>", "cell_kind"),
        ("<c t=\"e\"><v>#REF!</v></c>", "spreadsheet_error"),
        ("<c t=\"e\"><f>1/0</f><v>#DIV/0!</v></c>", "spreadsheet_error"),
    ];
    for column in ["reference", "first_name", "bank_account_number", "amount"] {
        for (cell, code) in cases {
            let checked = check_rows(&[with_cell("A", column, cell)]);
            assert_eq!(problems(&checked), [format!("2/1/{column}/{code}")], "{cell}");
        }
    }
}

#[test]
fn unknown_columns_keep_what_a_cell_shows() {
    let cells = "<c><v>7</v></c><c s=\"1\"><v>46000</v></c><c t=\"b\"><v>0</v></c>";
    let heading = texts(&format!("{HEADING},count,day,new"));
    let row = texts(&row("A")).replace("</row>", &format!("{cells}</row>"));
    let checked = check(workbook(&[("June", "", &(heading + &row))]));
    let payout = intake::load(&checked).unwrap().next().unwrap().unwrap();
    let values: Vec<_> = payout.extra.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(values, ["7", "2025-12-09", "FALSE"]);
}

#[test]
fn rows_that_are_not_there_are_blank_and_rows_keep_their_numbers() {
    let far = with_cell("B", "amount", &text("")).replace("<row>", "<row r=\"900000\">");
    let checked = check_rows(&[texts(&row("A")), far]);
    assert_eq!(problems(&checked), ["900000/2/amount/missing"]);
    assert_eq!(warnings(&checked), [(3, Code::BlankRows)]);
    assert!(checked.warnings[0].message.starts_with("899997 blank rows"));
}

#[test]
fn a_cell_beyond_the_heading_and_a_heading_that_repeats() {
    let beyond = texts(&row("A")).replace("</row>", &format!("{}</row>", text("?")));
    let checked = check_rows(&[beyond, texts(HEADING), texts("Total,,,,,,,10,USD")]);
    let found = ["2/1/-/ragged_row", "3/2/-/repeated_heading", "4/3/-/total_row"];
    assert_eq!(problems(&checked), found);
}

#[test]
fn the_sheet_with_the_heading_is_read_and_the_others_are_named() {
    let batch = texts(HEADING) + &texts(&row("A"));
    let notes = texts("for the office only");
    let sheets = [
        ("Notes", "", notes.as_str()),
        ("Empty", "", ""),
        ("Pay", "", &batch),
        ("Old", "state=\"hidden\"", &batch),
    ];
    let checked = check(workbook(&sheets));
    assert_eq!((problems(&checked), checked.valid), (vec![], 1));
    assert_eq!(warnings(&checked), [(1, Code::OtherSheets)]);
    let message = &checked.warnings[0].message;
    assert_eq!(message, "the sheet `Pay` is read; not read: `Notes`, `Old` (hidden)");
}

#[test]
fn two_sheets_that_could_be_the_batch_are_not_chosen_from() {
    let batch = texts(HEADING) + &texts(&row("A"));
    let checked = check(workbook(&[("May", "", &batch), ("June", "", &batch)]));
    assert_eq!(problems(&checked), ["1/-/-/several_sheets"]);
    assert!(checked.problems[0].message.contains("`May`, `June`"));
}

#[test]
fn sheets_without_a_heading() {
    let one = check(workbook(&[("A", "", &texts(&row("A"))), ("B", "", "")]));
    assert_eq!(problems(&one), ["1/-/-/no_heading"]);
    let two = check(workbook(&[("A", "", &texts("a")), ("B", "", &texts("b"))]));
    assert_eq!(problems(&two), ["1/-/-/no_heading"]);
    assert!(two.problems[0].message.contains("`A`, `B`"));
    let above = format!("{}{}{}", texts("Payroll"), texts(HEADING), texts(&row("A")));
    assert_eq!(problems(&check(workbook(&[("A", "", &above)]))), ["1/-/-/lines_above_heading"]);
    assert_eq!(problems(&check(workbook(&[("A", "", "")]))), ["1/-/-/empty_file"]);
}

#[test]
fn archives_that_are_no_workbook() {
    let open_document = "application/vnd.oasis.opendocument.spreadsheet";
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("mimetype", stored).unwrap();
    zip.write_all(open_document.as_bytes()).unwrap();
    let ods = check(zip.finish().unwrap().into_inner());
    assert_eq!(problems(&ods), ["1/-/-/wrong_file_type"]);
    assert!(ods.problems[0].message.contains(".ods"), "{}", ods.problems[0].message);
    let other = check(archive(&[("readme.txt", "hello")]));
    assert_eq!(problems(&other), ["1/-/-/wrong_file_type"]);
    let whole = workbook(&[("A", "", &texts(HEADING))]);
    let cut = check(whole[..whole.len() / 2].to_vec());
    assert_eq!(problems(&cut), ["1/-/-/damaged_workbook"]);
    let old = check(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old workbook".to_vec());
    assert!(old.problems[0].message.contains(".xls"), "{}", old.problems[0].message);
}

#[test]
fn a_workbook_that_would_fill_the_memory_is_refused() {
    let bomb = " ".repeat(65 << 20);
    let padded = check(workbook(&[("A", "", &(bomb + &texts(HEADING)))]));
    assert_eq!(problems(&padded), ["1/-/-/workbook_too_large"]);
    assert!(padded.problems[0].message.contains("16 MiB"), "{}", padded.problems[0].message);

    let strings = |count: &str, text: &str| {
        format!("<sst xmlns=\"{MAIN}\" uniqueCount=\"{count}\"><si><t>{text}</t></si></sst>")
    };
    let strings_in = |sheet: &str, strings: &str| {
        check(workbook_with(&[("A", "", sheet)], &[("xl/sharedStrings.xml", strings)]))
    };
    let endless = strings_in(&texts(HEADING), &strings("99999999999999999999", "x"));
    assert_eq!(problems(&endless), ["1/-/-/damaged_workbook"]);
    let shared = "<c t=\"s\"><v>0</v></c>".repeat(100);
    let rows = format!("<row>{shared}</row>").repeat(10);
    let amplified = strings_in(&rows, &strings("1", &"x".repeat(1 << 20)));
    assert_eq!(problems(&amplified), ["1/-/-/workbook_too_large"]);
}

#[test]
fn what_is_loaded_is_what_was_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("june.xlsx");
    let book = |row: &str| workbook(&[("June", "", &(texts(HEADING) + &texts(row)))]);
    std::fs::write(&path, book(&row("A"))).unwrap();
    let checked = intake::check(&path, SEALED_BYTES).unwrap();
    assert!(checked.is_good() && checked.sha256.len() == 64);
    std::fs::write(&path, book(&row_with("A", "000999", "10.50", "USD"))).unwrap();
    let items: Vec<_> = intake::load(&checked).unwrap().collect();
    assert!(items.last().unwrap().as_ref().unwrap_err().to_string().contains("changed"));
}

/// Each byte of a small workbook's parts is changed in turn; the archive around them stays whole.
#[test]
fn a_damaged_workbook_is_a_finding_and_no_panic() {
    let rows = texts(HEADING) + &with_cell("A", "amount", "<c s=\"1\" r=\"H2\"><v>1</v></c>");
    let strings = format!("<sst xmlns=\"{MAIN}\" uniqueCount=\"1\"><si><t>x</t></si></sst>");
    let sheet = format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>");
    let mut seed = 1_u64;
    for round in 0..600 {
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
            (seed >> 33) as usize % below
        };
        let mut parts = [sheet.clone().into_bytes(), strings.clone().into_bytes()];
        let part = &mut parts[round % 2];
        for _ in 0..=next(3) {
            let at = next(part.len());
            part[at] = b"0 <>\"=/9rA\xff&;"[next(13)];
        }
        let [sheet, strings] = parts.map(|part| String::from_utf8_lossy(&part).into_owned());
        let more = [("xl/sharedStrings.xml", strings.as_str())];
        let checked = check(assemble(&[("A", "", sheet)], &more));
        assert!(checked.valid <= checked.rows);
    }
}
