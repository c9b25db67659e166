//! The grammar of one record: RFC 4180, any of the three line ends, and no leniency.
//!
//! It sees the bytes that are at hand and says when it needs more; it then starts over, so that
//! nothing has to be remembered between two reads.

use super::Record;

/// How splitting one record ended.
pub(super) enum Split {
    Complete,
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
    pub(super) fn split(&mut self, record: &mut Record) -> Split {
        loop {
            if self.input.get(self.at) == Some(&b'"') {
                self.at += 1;
                if let Some(end) = self.quoted(record) {
                    return end;
                }
            } else {
                self.plain(record);
            }
            let Some(&byte) = self.input.get(self.at) else {
                return self.at_input_end(record);
            };
            if byte == self.delimiter {
                self.at += 1;
                record.end_field();
                continue;
            }
            if byte == b'\r' && self.at + 1 == self.input.len() && !self.at_end {
                return Split::NeedMore { quote: None };
            }
            if byte != b'\r' && byte != b'\n' {
                return Split::TextAfterQuote;
            }
            self.line_end();
            record.end_field();
            record.terminated = true;
            return Split::Complete;
        }
    }

    fn at_input_end(&self, record: &mut Record) -> Split {
        if !self.at_end {
            return Split::NeedMore { quote: None };
        }
        record.end_field();
        Split::Complete
    }

    fn plain(&mut self, record: &mut Record) {
        let rest = &self.input[self.at..];
        let ends = |byte: &u8| *byte == self.delimiter || *byte == b'\n' || *byte == b'\r';
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        record.bytes.extend_from_slice(&rest[..length]);
        self.at += length;
    }

    /// Reads to the closing quote; `Some` where the record cannot go on.
    fn quoted(&mut self, record: &mut Record) -> Option<Split> {
        let opened = self.lines;
        let mut delimiters = 0;
        loop {
            let Some(&byte) = self.input.get(self.at) else {
                return Some(Split::NeedMore { quote: Some(opened) });
            };
            match byte {
                b'"' if self.input.get(self.at + 1) == Some(&b'"') => {
                    record.bytes.push(b'"');
                    self.at += 2;
                }
                b'"' if self.at + 1 == self.input.len() && !self.at_end => {
                    return Some(Split::NeedMore { quote: Some(opened) });
                }
                b'"' => {
                    self.at += 1;
                    if self.lines > opened && delimiters >= self.row_delimiters {
                        record.swallowing.get_or_insert(record.ends.len());
                    }
                    return None;
                }
                b'\r' | b'\n' => {
                    let begin = self.at;
                    self.line_end();
                    record.bytes.extend_from_slice(&self.input[begin..self.at]);
                }
                byte => {
                    delimiters += usize::from(byte == self.delimiter);
                    record.bytes.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    /// Steps over one line end, of whichever kind.
    fn line_end(&mut self) {
        let pair = self.input[self.at] == b'\r' && self.input.get(self.at + 1) == Some(&b'\n');
        self.at += if pair { 2 } else { 1 };
        self.lines += 1;
    }
}
