//! What the tests of several modules need, and the ways in which a file can come in pieces.

use std::io::{self, Read, Write};

use super::duplicates::Seen;
use super::portion::{Found, Portion};
use super::scan::Scan;
use super::source::{Input, Piece};
use super::{BLOCK, Findings, Part, SEALED_BYTES, pass};

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

fn open(input: Input, findings: &mut Findings) -> Scan {
    Scan::open(input, BLOCK, SEALED_BYTES, findings).unwrap().unwrap()
}

/// The references of the rows of one piece.
fn references(input: &'static [u8]) -> Vec<String> {
    let mut findings = Findings::default();
    let mut scan = open(Box::new(Dribble(input)), &mut findings);
    let Some(Piece::Records(records)) = scan.pieces.next(None).unwrap() else { panic!("no row") };
    let mut portion = Portion::new(records);
    let mut references = Vec::new();
    while let Some(Found::Row(row)) = portion.next(&scan.rules) {
        references.push(row.reference.to_owned());
    }
    assert_eq!(portion.findings.problems, []);
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
    let scan = open(Box::new(rows) as Input, &mut findings);
    let mut seen = Seen::default();
    let hasher = seen.hasher.clone();
    let mut valid = 0;
    let look = |part: &mut Part, found: Found<'_>| part.look(&found, &hasher);
    let read = pass::read(scan, &mut findings, look, |part, _| {
        valid += part.sums.valid;
        seen.add(&part.hashes);
    });
    assert_eq!((read.unwrap().rows, valid), (ROWS.into(), ROWS.into()));
    assert!(seen.bytes() <= ROWS as usize * 24, "{} bytes", seen.bytes());
    assert_eq!((findings.problems.capacity(), findings.warnings.capacity()), (0, 0));
    assert!(seen.suspects().is_none(), "nothing stands twice, so nothing else is kept");
}
