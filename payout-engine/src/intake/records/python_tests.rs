//! Python's `csv` module reads the same dialect when it is told to be strict, so it is asked about
//! thousands of texts: the same records, and a refusal where we refuse, wherever they are cut.

use std::io::Write;
use std::process::{Command, Stdio};

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;

/// Texts are pieced together from these; the delimiter stands for itself.
const PIECES: &[&str] = &[
    "a",
    "bc",
    "0012",
    " ",
    "'",
    "=",
    "é",
    "សុខ",
    "😀",
    "\u{a0}",
    "\"\"",
    "\"",
    "\"",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "DELIMITER",
    "DELIMITER",
    "DELIMITER",
    ",",
    ";",
    "\t",
    "DELIMITER\"",
    "\"DELIMITER",
    "\n\"",
    "\"\n",
];

const SCRIPT: &str = "
import csv, io, json, sys
for line in sys.stdin.readlines():
    delimiter, text = json.loads(line)
    try:
        source = io.StringIO(text, newline='')
        records = [r or [''] for r in csv.reader(source, delimiter=delimiter, strict=True)]
    except csv.Error:
        records = None
    print(json.dumps(records))
";

fn text(random: &mut StdRng, delimiter: &str) -> String {
    let quoted = random.gen_bool(0.5);
    let mut text = String::new();
    for _ in 0..random.gen_range(1..24) {
        let piece = PIECES[random.gen_range(0..PIECES.len())].replace("DELIMITER", delimiter);
        if quoted {
            // A field in order, so that most of these texts are whole to their end.
            let inside = piece.replace('"', "\"\"");
            let end = [delimiter, delimiter, "\n", "\r\n"][random.gen_range(0..4)];
            text += &format!("\"{inside}\"{end}");
        } else {
            text += &piece;
        }
    }
    text
}

/// The records of `text`, cut into blocks of `size`; `None` where it is refused.
fn split(text: &str, delimiter: u8, size: usize) -> Option<Vec<Vec<String>>> {
    let mut reader = BlockReader::new(text.as_bytes(), Encoding::Utf8, size);
    reader.set_delimiter(delimiter);
    let mut records = Vec::new();
    while let Some(piece) = reader.next(None).unwrap() {
        let Piece::Block(mut block) = piece else { return None };
        while block.advance() {
            let fields = block.record().fields().map(|field| field.text().unwrap().to_owned());
            records.push(fields.collect());
        }
    }
    Some(records)
}

#[test]
fn python_splits_thousands_of_texts_into_the_same_records() {
    let python = Command::new("python3")
        .args(["-X", "utf8", "-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut python = match python {
        Ok(python) => python,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "python3 is required in CI: {error}");
            println!("skipped: python3 is not here ({error})");
            return;
        }
    };
    let mut random = StdRng::seed_from_u64(7);
    let cases: Vec<_> = (0..6_000)
        .map(|_| {
            let delimiter = [",", ";", "\t"][random.gen_range(0..3)];
            (delimiter, text(&mut random, delimiter))
        })
        .collect();
    // Python reads everything before it answers, so neither side waits for the other.
    let lines: String =
        cases.iter().map(|case| serde_json::to_string(case).unwrap() + "\n").collect();
    python.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    let (mut read, mut refused) = (0, 0);
    for ((delimiter, text), answer) in cases.iter().zip(answers.lines()) {
        let expected: Option<Vec<Vec<String>>> = serde_json::from_str(answer).unwrap();
        if expected.is_some() {
            read += 1
        } else {
            refused += 1
        }
        for size in [1, 7, LONGEST_RECORD] {
            let records = split(text, delimiter.as_bytes()[0], size);
            assert_eq!(records, expected, "{text:?} by {delimiter:?} in blocks of {size}");
        }
    }
    assert_eq!(read + refused, cases.len());
    assert!(read > 2_000 && refused > 1_000, "{read} read, {refused} refused: not much of a test");
}
