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
    let look = |part: &mut Part, found: &Found<'_>| part.look(found, &hasher);
    let read = pass::read(scan, &mut findings, look, |part, _| {
        valid += part.sums.valid;
        seen.add(&part.hashes);
    });
    assert_eq!((read.unwrap().rows, valid), (ROWS.into(), ROWS.into()));
    assert!(seen.bytes() <= ROWS as usize * 24, "{} bytes", seen.bytes());
    assert_eq!((findings.problems.capacity(), findings.warnings.capacity()), (0, 0));
    assert!(seen.suspects().is_none(), "nothing stands twice, so nothing else is kept");
}

mod blocks {
    //! Where a file is cut, and who looks at which piece of it, changes nothing.

    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::source::Document;
    use super::super::{Checked, Code, SEALED_BYTES};
    use super::HEADING;

    /// Everything that is told of a file whose blocks have `size` bytes.
    fn check(file: &Arc<[u8]>, size: usize) -> Checked {
        Document::Memory(Arc::clone(file)).check_in_blocks(SEALED_BYTES, size).unwrap()
    }

    fn assert_same(file: Vec<u8>) -> Result<(), TestCaseError> {
        let file = Arc::from(file);
        // These files are far shorter than a block may be.
        let whole = check(&file, super::BLOCK);
        for size in [1, 50, 333] {
            let cut = check(&file, size);
            prop_assert_eq!(&cut.problems, &whole.problems, "blocks of {}", size);
            prop_assert_eq!(&cut.warnings, &whole.warnings, "blocks of {}", size);
            prop_assert_eq!((cut.rows, cut.valid), (whole.rows, whole.valid));
            prop_assert_eq!(&cut.totals, &whole.totals);
            prop_assert_eq!(&cut.sha256, &whole.sha256);
        }
        Ok(())
    }

    /// One line or more of a file, most of them good.
    fn line() -> impl Strategy<Value = String> {
        let row = |reference: u32, account: u32, amount: &str| {
            format!(
                "P-{reference},Dara,សុខ,012345678,d@example.com,{account:09},WING,{amount},USD,note"
            )
        };
        prop_oneof![
            // So few of both that some stand twice, near and far.
            12 => (0..60_u32, 0..9_u32).prop_map(move |(reference, account)| {
                row(reference, account, "10.50")
            }),
            2 => (0..60_u32).prop_map(move |reference| row(reference, 7, "1").replace("P-", "p-")),
            2 => Just(row(70, 1, "\"1\"").replace("Dara", "\"Da\"\"ra\"")),
            2 => Just(row(71, 2, "2").replace("note", "\"two\r\nlines, in\n\"\"quotes\"\"\"")),
            1 => Just(row(72, 3, "1,000")),
            1 => Just(row(73, 4, "3").replace("Dara", "\"Dara")),
            1 => Just(row(74, 5, "3").replace("Dara", "\"Da\"ra")),
            1 => Just(row(75, 5, "3").replace("note", "\"1,2,3,4,5,6,7,8,9\n1,2,3\"")),
            1 => Just(row(76, 6, "x").replace("Dara", "Da\u{7}ra").replace("012345678", "1E+8")),
            1 => Just(row(77, 6, "5").replace("WING", " \u{a0}wing")),
            1 => Just(String::new()),
            1 => Just(",,,,,,,,,".to_owned()),
            1 => Just("Total,,,,,,,99,USD,".to_owned()),
            1 => Just("x\ry".to_owned()),
            1 => Just(HEADING.trim_end().to_owned() + ",note"),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_check_in_many_blocks_finds_what_a_check_in_one_finds(
            lines in prop::collection::vec((line(), 0..4_u8), 0..60),
            encoding in 0..4_u8,
            damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
            end in any::<bool>(),
        ) {
            let mut text = HEADING.trim_end().to_owned() + ",note\r\n";
            for (line, line_end) in &lines {
                text += line;
                text += ["\n", "\n", "\r\n", "\r"][usize::from(*line_end)];
            }
            if !end {
                text.truncate(text.trim_end().len());
            }
            let mut file = match encoding {
                0 => text.into_bytes(),
                1 => format!("\u{feff}{text}").into_bytes(),
                2 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                _ => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect(),
            };
            if let Some((at, byte)) = damage {
                let at = at.index(file.len());
                file[at] = byte;
            }
            assert_same(file)?;
        }
    }

    #[test]
    fn a_reference_that_stands_first_and_last_is_found_in_a_file_of_many_pieces() {
        use std::fmt::Write as _;
        let mut text = HEADING.to_owned();
        for row in (0..20_000).chain([0]) {
            writeln!(text, "R-{row},Dara,Sok,012345678,d@example.com,{row:09},WING,1,USD").unwrap();
        }
        let file: Arc<[u8]> = text.into_bytes().into();
        assert!(file.len() > 8 * super::BLOCK);
        let checked = check(&file, super::BLOCK);
        let twice: Vec<_> = checked.problems.iter().map(|p| (p.line, p.row, p.code)).collect();
        let code = Code::DuplicateReference;
        assert_eq!(twice, [(2, Some(1), code), (20_002, Some(20_001), code)]);
        assert_eq!((checked.rows, checked.valid), (20_001, 19_999));
        let payments: Vec<_> = checked.warnings.iter().map(|w| (w.line, w.code)).collect();
        assert_eq!(payments, [(20_002, Code::SamePayeeAndAmount)]);
    }
}
