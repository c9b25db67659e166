//! In place of `workbook` where the feature of that name is off: every workbook is refused.
//!
//! Invariant: who sends one is told what to do instead, and nothing else is refused for it.

use std::io::{self, Read};

use super::Findings;
use super::finding::{Code, Finding};
use super::records::Record;

/// What to do with a file that is not one of those that are read.
pub(super) const SAVE_IT: &str = "open it in a spreadsheet and save it as \"CSV UTF-8\"";

/// The rows of one sheet: there is none.
pub(super) enum Sheet {}

/// Refuses what begins as a workbook does.
pub(super) fn open(_: &mut impl Read, findings: &mut Findings) -> io::Result<Option<Sheet>> {
    let message = "the file is an Excel workbook (.xlsx) or an archive; this build reads CSV only";
    findings.problems.push(Finding::file(1, Code::WrongFileType, message.to_owned(), SAVE_IT));
    Ok(None)
}

impl Sheet {
    pub(super) fn advance(&mut self) -> bool {
        match *self {}
    }

    pub(super) fn record(&self) -> Record<'_> {
        match *self {}
    }

    pub(super) fn expect_columns(&mut self, _: usize) {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SEALED_BYTES, check_bytes};

    #[test]
    fn a_workbook_is_refused_and_csv_is_what_to_save_it_as() {
        let checked = check_bytes(*b"PK\x03\x04 and so on", SEALED_BYTES).expect("it can be read");
        let [problem] = &checked.problems[..] else { panic!("{:?}", checked.problems) };
        assert_eq!(problem.code.as_str(), "wrong_file_type");
        assert!(problem.message.contains("this build reads CSV only"), "{problem}");
        assert!(problem.hint.ends_with("save it as \"CSV UTF-8\""), "{}", problem.hint);
    }
}
