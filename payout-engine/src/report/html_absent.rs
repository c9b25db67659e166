//! In place of `html` where the feature of that name is off: there is no page, and whoever asks for
//! one is told so.

use std::convert::Infallible;
use std::io::{self, Write};
use std::marker::PhantomData;

use jiff::Timestamp;

use super::{NO_HTML, ReportRow};
use crate::payout::BatchSummary;

/// There is none.
pub(super) struct Page<W: Write>(Infallible, PhantomData<W>);

impl<W: Write> Page<W> {
    pub(super) fn begin(_: W, _: &BatchSummary, _: Timestamp) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, NO_HTML))
    }

    pub(super) fn row(&mut self, _: &ReportRow) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn end(self) -> io::Result<()> {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Format, NO_HTML};

    #[test]
    fn a_page_is_refused_before_anything_is_written() {
        let refused = Format::of_file(Path::new("june.html")).expect_err("there are no pages");
        assert!(refused.to_string().contains(NO_HTML), "{refused}");
        assert_eq!(Format::of_file(Path::new("june.csv")).expect("a sheet"), Format::Csv);
    }
}
