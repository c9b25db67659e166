//! Files whose bytes are not plain UTF-8: marks, UTF-16, other encodings, zero bytes.

use payout_engine::intake;

use crate::intake::{Batch, HEADING, accepted, file, problems, refused, row, row_with};

/// A text as UTF-16, with or without the mark that tells the byte order.
fn utf16(text: &str, big_endian: bool, mark: bool) -> Vec<u8> {
    let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
    let bytes = |unit: u16| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
    units.flat_map(bytes).collect()
}

#[test]
fn utf8_byte_order_mark() {
    accepted(format!("\u{feff}{}", file(&[row("A")])), 1);
}

#[test]
fn byte_order_mark_in_mid_file() {
    let text = file(&[row("A"), format!("\u{feff}{}", row("B"))]);
    refused(text, &["3/2/reference/invisible_character"]);
}

#[test]
fn windows_1252_bytes_are_named_with_their_offset() {
    let mut bytes = file(&[row("A"), row("B")]).into_bytes();
    let at = bytes.windows(6).position(|w| w == b"B,Dara").unwrap() + 3;
    bytes[at] = 0xe9;
    let checked = refused(bytes, &["3/2/first_name/not_utf8"]);
    assert!(checked.problems[0].message.contains("byte 2 of the field"));
    let offset = HEADING.len() + 1 + row("A").len() + 1;
    assert!(checked.problems[0].message.contains(&format!("byte {offset} of the file")));
}

#[test]
fn bytes_that_are_not_utf8_in_the_heading_and_in_an_unknown_column() {
    let text = format!("{HEADING},note\n{},x\n", row("A"));
    let at = |what: &str| text.find(what).unwrap();
    for (at, expected) in [(at("note"), "1/-/-/not_utf8"), (at("x\n"), "2/1/note/not_utf8")] {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = 0xe9;
        refused(bytes, &[expected]);
    }
}

#[test]
fn zero_bytes() {
    let text = file(&[row("A").replace("Dara", "Da\0ra"), row("B")]);
    refused(text, &["2/1/first_name/nul_byte"]);
}

#[test]
fn utf16_of_both_byte_orders_is_read_with_and_without_a_mark() {
    let rows = [row("A").replace("Dara", "ដារ៉ា 😀"), row_with("B", "x", "1", "USD"), row("C")];
    for end in ["\n", "\r\n", "\r"] {
        let text = file(&rows).replace('\n', end);
        for (big_endian, mark) in [(false, true), (true, true), (false, false), (true, false)] {
            let bytes = utf16(&text, big_endian, mark);
            refused(bytes, &["3/2/bank_account_number/account_digits"]);
        }
    }
}

#[test]
fn utf16_with_tabs_as_a_spreadsheet_saves_unicode_text() {
    let text = file(&[row("A"), row("B")]).replace(',', "\t").replace('\n', "\r\n");
    let batch = Batch::of(utf16(&text, false, true));
    let checked = batch.check();
    assert_eq!((problems(&checked), checked.valid), (vec![], 2));
    let payouts: Vec<_> = intake::load(&checked).unwrap().map(Result::unwrap).collect();
    assert_eq!(payouts[0].payee.bank_account_number.expose(), "000123456");
}

#[test]
fn half_of_a_utf16_character_is_named_with_its_offset_and_not_replaced() {
    let text = file(&[row("A"), row("B")]);
    let mut bytes = utf16(&text, false, true);
    let at = 2 + 2 * (text.find("B,Dara").unwrap() + 3);
    bytes[at..at + 2].copy_from_slice(&0xd83d_u16.to_le_bytes());
    let checked = refused(bytes, &["3/2/first_name/lone_surrogate"]);
    let message = &checked.problems[0].message;
    let row_begins = 2 + 2 * text.find("B,Dara").unwrap();
    assert!(message.contains("byte 3 of the field"), "{message}");
    assert!(message.contains(&format!("byte {row_begins} of the file")), "{message}");
}

#[test]
fn a_utf16_file_that_ends_inside_a_character() {
    let mut bytes = utf16(&file(&[row("A"), row("B")]), false, true);
    bytes.pop();
    refused(bytes, &["3/2/currency/lone_surrogate"]);
}

#[test]
fn utf32_and_other_encodings_are_refused() {
    let text = file(&[row("A")]);
    let mut utf32 = b"\xff\xfe\0\0".to_vec();
    utf32.extend(text.chars().flat_map(|c| u32::from(c).to_le_bytes()));
    refused(utf32, &["1/-/-/wrong_file_type"]);
    // Shift_JIS and Windows-874 have no marks; their bytes are no UTF-8.
    for bytes in [b"\x83_\x83\x89", b"\xa1\xa2\xa3\xa4"] {
        let mut file = text.clone().into_bytes();
        let at = text.find("Dara").unwrap();
        file[at..at + 4].copy_from_slice(bytes);
        refused(file, &["2/1/first_name/not_utf8"]);
    }
}
