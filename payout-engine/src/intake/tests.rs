//! What the tests of several modules need, and the ways in which a file can come in pieces.

use std::io::{self, Read, Write};
use std::sync::Arc;

use super::duplicates::Seen;
use super::scan::{Found, Scan};
use super::source::{Document, Input, Source};
use super::{Findings, SEALED_BYTES, next, remember};

const HEADING: &str = "reference,first_name,last_name,phone_number,email,bank_account_number,bic,\
                       amount,currency\n";

/// Gives one byte a read, so that everything is split over reads.
pub(super) struct Dribble<'a>(pub(super) &'a [u8]);

impl Read for Dribble<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let (Some((&first, rest)), false) = (self.0.split_first(), out.is_empty()) else {
            return Ok(0);
        };
        out[0] = first;
        self.0 = rest;
        Ok(1)
    }
}

/// The first field of each row.
fn references(input: &'static [u8]) -> Vec<String> {
    let mut findings = Findings::default();
    let mut scan = Scan::open(Box::new(Dribble(input)), &mut findings).unwrap().unwrap();
    let mut references = Vec::new();
    while let Found::Row(_) = scan.next(&mut findings).unwrap() {
        references.push(String::from_utf8(scan.record().field(0).to_vec()).unwrap());
    }
    assert_eq!(findings.problems, []);
    references
}

#[test]
fn a_byte_order_mark_split_over_reads() {
    let input = format!("\u{feff}{HEADING}A,Dara,Sok,012345678,d@example.com,000123,WING,1,USD\n");
    assert_eq!(references(input.leak().as_bytes()), ["A"]);
}

/// A file of valid rows that nobody has to hold.
struct Rows {
    ready: Vec<u8>,
    row: u32,
    last: u32,
}

impl Read for Rows {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // A read gives as much as was asked for, as that of a file does.
        while self.ready.len() < out.len() && self.row < self.last {
            self.row += 1;
            let row = self.row;
            writeln!(
                self.ready,
                "R-{row},Dara,Sok,012345678,d{row}@example.com,{row:09},WING,{row}.50,USD"
            )?;
        }
        let count = self.ready.len().min(out.len());
        out[..count].copy_from_slice(&self.ready[..count]);
        self.ready.drain(..count);
        Ok(count)
    }
}

#[test]
fn of_200_000_valid_rows_at_most_24_bytes_each_are_kept() {
    const ROWS: u32 = 200_000;
    let rows = Rows { ready: HEADING.as_bytes().to_vec(), row: 0, last: ROWS };
    let mut findings = Findings::default();
    let mut scan = Scan::open(Box::new(rows) as Input, &mut findings).unwrap().unwrap();
    let mut seen = Seen::default();
    let document = Document::Memory(Arc::new([]));
    let mut count = 0;
    while let Some(payout) = next(&document, &mut scan, &mut findings, SEALED_BYTES).unwrap() {
        assert!(payout.invalid.is_none());
        remember(&payout, &mut seen);
        count += 1;
    }
    assert_eq!(count, ROWS);
    assert!(seen.bytes() <= ROWS as usize * 24, "{} bytes", seen.bytes());
    assert_eq!((findings.problems.capacity(), findings.warnings.capacity()), (0, 0));
    let Source::Text(reader) = scan.source() else { panic!("a text was opened") };
    assert!(reader.capacity() < 512 * 1024, "{} bytes", reader.capacity());
    assert!(seen.candidates().is_none(), "nothing stands twice, so nothing else is kept");
}
