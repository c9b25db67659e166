//! The bytes of a text file as UTF-8, whichever encoding they stand in.
//!
//! UTF-8 passes as it is, right or wrong. UTF-16, which spreadsheets call "Unicode text", is
//! decoded while it streams. Other encodings cannot be told apart and are not guessed at: their
//! bytes pass, and are refused where they are no UTF-8.
//!
//! Invariant: nothing is replaced. Half of a surrogate pair becomes the three bytes that UTF-8
//! would have for it, half of a unit becomes the byte FF; no reader of UTF-8 takes either, so they
//! are found in the field where they stand.

use std::io::{self, Read};

/// How many bytes are decoded at a time.
const CHUNK: usize = 32 * 1024;

/// How the characters of a file are written as bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    #[default]
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Encoding {
    /// The encoding of a file that begins with `head`: by its byte order mark, or by the zero bytes
    /// beside its first letters, which are Latin ones in most headings.
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0xff, 0xfe, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] => Self::Utf16Be,
            [1..=255, 0, 1..=255, 0, ..] => Self::Utf16Le,
            [0, 1..=255, 0, 1..=255, ..] => Self::Utf16Be,
            _ => Self::Utf8,
        }
    }

    /// How many bytes of the file became `text`.
    pub(super) fn bytes_in_file(self, text: &[u8]) -> u64 {
        if self == Self::Utf8 {
            return text.len() as u64;
        }
        let begins_character = |byte: u8| byte & 0xc0 != 0x80;
        let units = text.iter().map(|&byte| {
            let is_pair = (0xf0..0xf8).contains(&byte);
            u64::from(begins_character(byte)) + u64::from(is_pair)
        });
        2 * units.sum::<u64>()
    }

    fn unit(self, pair: [u8; 2]) -> u16 {
        if self == Self::Utf16Be { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    }
}

/// Reads UTF-8 out of a file in any [`Encoding`].
pub(super) struct Decoder<R> {
    input: R,
    encoding: Encoding,
    /// Bytes of the file that are not decoded yet: none, or half a unit.
    raw: Vec<u8>,
    /// The first half of a surrogate pair whose second half has to follow.
    high: Option<u16>,
    decoded: Vec<u8>,
    taken: usize,
}

impl<R: Read> Decoder<R> {
    pub(super) fn new(input: R, encoding: Encoding) -> Self {
        Self { input, encoding, raw: Vec::new(), high: None, decoded: Vec::new(), taken: 0 }
    }

    /// The input, once everything was read.
    pub(super) fn into_input(self) -> R {
        self.input
    }

    /// Decodes the next chunk; nothing is decoded at the end of the file only.
    fn decode(&mut self) -> io::Result<()> {
        self.decoded.clear();
        self.taken = 0;
        while self.decoded.is_empty() {
            let held = self.raw.len();
            self.raw.resize(held + CHUNK, 0);
            let read = self.input.read(&mut self.raw[held..]);
            self.raw.truncate(held + read.as_ref().map_or(0, |&read| read));
            if read? == 0 {
                self.end();
                return Ok(());
            }
            let whole = self.raw.len() / 2 * 2;
            for at in (0..whole).step_by(2) {
                let unit = self.encoding.unit([self.raw[at], self.raw[at + 1]]);
                self.take(unit);
            }
            self.raw.drain(..whole);
        }
        Ok(())
    }

    fn take(&mut self, unit: u16) {
        let is_low = (0xdc00..0xe000).contains(&unit);
        let pair = |high: u16| char::decode_utf16([high, unit]).next().and_then(Result::ok);
        match self.high.take() {
            Some(high) if is_low => self.push(pair(high)),
            Some(high) => {
                self.push_half(high);
                self.take(unit);
            }
            None if (0xd800..0xdc00).contains(&unit) => self.high = Some(unit),
            None if is_low => self.push_half(unit),
            None => self.push(char::from_u32(unit.into())),
        }
    }

    fn push(&mut self, c: Option<char>) {
        if let Some(c) = c {
            self.decoded.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    /// Half of a surrogate pair, as UTF-8 would write it if it could.
    fn push_half(&mut self, unit: u16) {
        let [high, low] = unit.to_be_bytes();
        self.decoded.extend([0xed, 0x80 | (high & 0x0f) << 2 | low >> 6, 0x80 | (low & 0x3f)]);
    }

    fn end(&mut self) {
        if let Some(high) = self.high.take() {
            self.push_half(high);
        }
        if !self.raw.is_empty() {
            self.raw.clear();
            self.decoded.push(0xff);
        }
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.encoding == Encoding::Utf8 {
            return self.input.read(out);
        }
        if self.taken == self.decoded.len() {
            self.decode()?;
        }
        let ready = &self.decoded[self.taken..];
        let count = ready.len().min(out.len());
        out[..count].copy_from_slice(&ready[..count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::tests::Dribble;

    fn decode(units: &[u16], encoding: Encoding, more: &[u8]) -> Vec<u8> {
        let bytes = |unit: &u16| match encoding {
            Encoding::Utf16Be => unit.to_be_bytes(),
            _ => unit.to_le_bytes(),
        };
        let mut file: Vec<u8> = units.iter().flat_map(bytes).collect();
        file.extend(more);
        let mut whole = Vec::new();
        Decoder::new(&file[..], encoding).read_to_end(&mut whole).unwrap();
        let mut dribbled = Vec::new();
        Decoder::new(Dribble(&file), encoding).read_to_end(&mut dribbled).unwrap();
        assert_eq!(whole, dribbled);
        whole
    }

    #[test]
    fn utf16_of_both_orders_is_decoded_however_it_is_split_over_reads() {
        for encoding in [Encoding::Utf16Le, Encoding::Utf16Be] {
            for text in ["", "a", "សុខ ដារ៉ា,é\r\n😀x", "😀😀"] {
                let units: Vec<_> = text.encode_utf16().collect();
                assert_eq!(decode(&units, encoding, b""), text.as_bytes());
                assert_eq!(encoding.bytes_in_file(text.as_bytes()), 2 * units.len() as u64);
            }
        }
    }

    #[test]
    fn what_is_no_utf16_is_no_utf8_either_and_keeps_its_length() {
        let cases: &[(&[u16], &[u8])] = &[
            (&[0xd83d], b"\xed\xa0\xbd"),
            (&[0xdc00, 0x61], b"\xed\xb0\x80a"),
            (&[0xd83d, 0x61], b"\xed\xa0\xbda"),
            (&[0xd83d, 0xd83d, 0xde00], b"\xed\xa0\xbd\xf0\x9f\x98\x80"),
        ];
        for (units, expected) in cases {
            let decoded = decode(units, Encoding::Utf16Le, b"");
            assert_eq!(decoded, *expected);
            assert!(std::str::from_utf8(&decoded).is_err());
            assert_eq!(Encoding::Utf16Le.bytes_in_file(&decoded), 2 * units.len() as u64);
        }
        assert_eq!(decode(&[0x61], Encoding::Utf16Le, b"\n"), b"a\xff");
    }

    #[test]
    fn the_encoding_shows_in_the_first_bytes() {
        let cases: &[(&[u8], Encoding)] = &[
            (b"", Encoding::Utf8),
            (b"reference", Encoding::Utf8),
            (b"\xef\xbb\xbfr", Encoding::Utf8),
            (b"\xff\xfer\0", Encoding::Utf16Le),
            (b"\xfe\xff\0r", Encoding::Utf16Be),
            (b"r\0e\0f\0", Encoding::Utf16Le),
            (b"\0r\0e\0f", Encoding::Utf16Be),
            (b"r\0\0\0", Encoding::Utf8),
        ];
        for (head, expected) in cases {
            assert_eq!(Encoding::of(head), *expected, "{head:?}");
        }
    }
}
