//! The archive that a workbook is: is it small enough to unpack, and is it a workbook at all?
//!
//! Everything is unpacked once, into nothing, before the workbook is read: what an archive says of
//! its own sizes proves nothing.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::super::finding::{Code, Finding};

/// The largest workbook that is read, in bytes of the file.
pub(super) const MOST_PACKED: usize = 16 << 20;

/// The most that a workbook may unpack to, in bytes.
const MOST_UNPACKED: u64 = 64 << 20;

/// The most parts that a workbook may have.
const MOST_PARTS: usize = 10_000;

/// Why a workbook is not read.
pub(super) struct Refusal {
    code: Code,
    message: String,
    hint: &'static str,
}

impl Refusal {
    pub(super) fn of(code: Code, message: String, hint: &'static str) -> Self {
        Self { code, message, hint }
    }

    pub(super) fn into_finding(self) -> Finding {
        Finding::file(1, self.code, self.message, self.hint)
    }
}

pub(super) fn too_large() -> Refusal {
    Refusal::of(
        Code::WorkbookTooLarge,
        format!(
            "the workbook is too large: {} MiB are read at most, {} MiB unpacked",
            MOST_PACKED >> 20,
            MOST_UNPACKED >> 20
        ),
        "save the sheet as \"CSV UTF-8\", which may have any size",
    )
}

/// Refuses what is no workbook, and what would take too much memory.
pub(super) fn check(bytes: &[u8]) -> Result<(), Refusal> {
    if bytes.len() > MOST_PACKED {
        return Err(too_large());
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    if archive.len() > MOST_PARTS {
        return Err(too_large());
    }
    let mut is_workbook = false;
    let mut left = MOST_UNPACKED;
    let mut part = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.to_lowercase();
        is_workbook |= name == "xl/workbook.xml";
        part.clear();
        entry.take(left + 1).read_to_end(&mut part).map_err(|error| damaged(error.into()))?;
        left = left.checked_sub(part.len() as u64).ok_or_else(too_large)?;
        if name.ends_with("sharedstrings.xml") && !is_count_honest(&part) {
            return Err(damaged(ZipError::InvalidArchive("its count of texts is wrong".into())));
        }
    }
    if is_workbook { Ok(()) } else { Err(no_workbook(bytes)) }
}

/// Memory is set aside for as many texts as the part says it holds, so it must not say more than
/// it can hold: a text takes five bytes at least.
fn is_count_honest(part: &[u8]) -> bool {
    const COUNT: &[u8] = b"uniqueCount";
    let counts = part.windows(COUNT.len()).enumerate().filter(|(_, window)| *window == COUNT);
    counts.into_iter().all(|(at, _)| {
        let rest = part[at + COUNT.len()..].trim_ascii_start();
        let digits = rest
            .iter()
            .skip_while(|byte| !byte.is_ascii_digit())
            .take_while(|byte| byte.is_ascii_digit());
        let count = digits.fold(0_usize, |count, digit| {
            count.saturating_mul(10).saturating_add(usize::from(digit - b'0'))
        });
        count <= part.len()
    })
}

fn no_workbook(bytes: &[u8]) -> Refusal {
    let head = &bytes[..bytes.len().min(200)];
    let is_open_document = head.windows(16).any(|window| window == b"vnd.oasis.opendo");
    let kind = if is_open_document {
        "the file is an OpenDocument file (.ods), which is not read"
    } else {
        "the file is an archive that holds no Excel workbook (.xlsx)"
    };
    let hint = "save the sheet as .xlsx or as \"CSV UTF-8\"";
    Refusal::of(Code::WrongFileType, kind.to_owned(), hint)
}

fn damaged(error: ZipError) -> Refusal {
    Refusal::of(
        Code::DamagedWorkbook,
        format!("the file is no Excel workbook (.xlsx), or a damaged one ({error})"),
        super::SAVE_IT,
    )
}
