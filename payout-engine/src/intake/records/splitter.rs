//! The grammar of one record: RFC 4180, any of the three line ends, and no leniency.
//!
//! It sees the bytes that are at hand and says when it needs more; it then starts over, so that
//! nothing has to be remembered between two reads.

use memchr::{memchr, memchr_iter, memchr2, memchr3};

/// Takes the fields of a record.
pub(super) trait Sink {
    /// More text of the field.
    fn text(&mut self, text: &[u8]);
    /// The field is at its end.
    fn end_field(&mut self);
    /// How many fields came to their end.
    fn fields(&self) -> usize;
    /// The field spans lines and holds as many delimiters as a row.
    fn swallows(&mut self);
}

/// Counts fields and keeps none.
#[derive(Default)]
pub(super) struct Count(usize);

impl Sink for Count {
    fn text(&mut self, _: &[u8]) {}

    fn end_field(&mut self) {
        self.0 += 1;
    }

    fn fields(&self) -> usize {
        self.0
    }

    fn swallows(&mut self) {}
}

/// How splitting one record ended.
pub(super) enum Split {
    /// `terminated`: a line end follows.
    Complete {
        terminated: bool,
    },
    /// The bytes at hand end inside the record; `quote`: lines down to the quote that is open.
    NeedMore {
        quote: Option<u64>,
    },
    TextAfterQuote,
}

/// Splits one record from the front of `input`.
pub(super) struct Splitter<'a> {
    pub(super) input: &'a [u8],
    pub(super) at: usize,
    pub(super) lines: u64,
    pub(super) delimiter: u8,
    pub(super) row_delimiters: usize,
    pub(super) at_end: bool,
}

impl Splitter<'_> {
    pub(super) fn split(&mut self, sink: &mut impl Sink) -> Split {
        loop {
            if self.input.get(self.at) == Some(&b'"') {
                self.at += 1;
                if let Some(end) = self.quoted(sink) {
                    return end;
                }
            } else {
                self.plain(sink);
            }
            let Some(&byte) = self.input.get(self.at) else {
                return self.at_input_end(sink);
            };
            if byte == self.delimiter {
                self.at += 1;
                sink.end_field();
                continue;
            }
            if byte == b'\r' && self.at + 1 == self.input.len() && !self.at_end {
                return Split::NeedMore { quote: None };
            }
            if byte != b'\r' && byte != b'\n' {
                return Split::TextAfterQuote;
            }
            self.line_end();
            sink.end_field();
            return Split::Complete { terminated: true };
        }
    }

    fn at_input_end(&self, sink: &mut impl Sink) -> Split {
        if !self.at_end {
            return Split::NeedMore { quote: None };
        }
        sink.end_field();
        Split::Complete { terminated: false }
    }

    fn plain(&mut self, sink: &mut impl Sink) {
        let rest = &self.input[self.at..];
        let length = memchr3(self.delimiter, b'\n', b'\r', rest).unwrap_or(rest.len());
        sink.text(&rest[..length]);
        self.at += length;
    }

    /// Reads to the closing quote; `Some` where the record cannot go on.
    fn quoted(&mut self, sink: &mut impl Sink) -> Option<Split> {
        let opened = self.lines;
        let mut delimiters = 0;
        loop {
            let rest = &self.input[self.at..];
            let Some(length) = memchr(b'"', rest) else {
                return Some(Split::NeedMore { quote: Some(opened) });
            };
            let text = &rest[..length];
            delimiters += memchr_iter(self.delimiter, text).count();
            self.lines += line_ends(text);
            self.at += length + 1;
            sink.text(text);
            match self.input.get(self.at) {
                Some(b'"') => {
                    sink.text(b"\"");
                    self.at += 1;
                }
                None if !self.at_end => return Some(Split::NeedMore { quote: Some(opened) }),
                _ => {
                    if self.lines > opened && delimiters >= self.row_delimiters {
                        sink.swallows();
                    }
                    return None;
                }
            }
        }
    }

    /// Steps over one line end, of whichever kind.
    fn line_end(&mut self) {
        self.at += line_end_length(&self.input[self.at..]);
        self.lines += 1;
    }
}

/// Length of the line end, of whichever kind, at the front of `bytes`.
pub(super) fn line_end_length(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"\r\n") { 2 } else { 1 }
}

/// Number of line ends in `text`.
fn line_ends(text: &[u8]) -> u64 {
    let (mut count, mut at) = (0, 0);
    while let Some(length) = memchr2(b'\n', b'\r', &text[at..]) {
        at += length + line_end_length(&text[at + length..]);
        count += 1;
    }
    count
}
