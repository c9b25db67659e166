//! What the tests of several modules need, and the ways in which a file can come in pieces.

use std::io::{self, Read};

use super::Findings;
use super::scan::{Found, Scan};

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
    let input = "\u{feff}reference,first_name,last_name,phone_number,email,bank_account_number,bic,\
                 amount,currency\nA,Dara,Sok,012345678,d@example.com,000123,WING,1,USD\n";
    assert_eq!(references(input.as_bytes()), ["A"]);
}
