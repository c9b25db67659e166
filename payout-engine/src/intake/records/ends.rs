//! Where the fields of a line end: many bytes are looked at in one go, without a decision for each.

/// How many bytes are looked at in one go: as many as a number has bits.
const WIDTH: usize = 64;

/// Where a field lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) begin: usize,
    pub(super) end: usize,
    /// Whether the field is plain: see [`is_plain`].
    pub(super) is_plain: bool,
}

/// What ends a field, or the line: the delimiter, a line end, or a quote, behind which everything
/// may mean something else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    delimiter: u8,
}

impl Ends {
    /// Those of a file with this delimiter.
    pub(super) fn of_delimiter(delimiter: u8) -> Self {
        Self { delimiter }
    }

    /// Calls `field` with each field of the line at the front of `bytes`. The last one ends where
    /// the line does, or at a quote: that place is returned.
    #[inline]
    pub(super) fn each(self, bytes: &[u8], mut field: impl FnMut(Span)) -> usize {
        // Of the field that the last block broke off in: where it began, and whether it was plain.
        let (mut begin, mut was_plain) = (0, true);
        for start in (0..bytes.len()).step_by(WIDTH) {
            let block = block(&bytes[start..]);
            let mut ends = bits(&block, |byte| self.has(byte));
            let mut others = bits(&block, |byte| !is_plain_byte(byte) & !self.has(byte));
            while ends != 0 {
                let at = ends.trailing_zeros();
                let below = (1 << at) - 1;
                let end = start + at as usize;
                field(Span { begin, end, is_plain: was_plain && others & below == 0 });
                if bytes[end] != self.delimiter {
                    return end;
                }
                (begin, was_plain) = (end + 1, true);
                ends &= ends - 1;
                others &= !below;
            }
            was_plain &= others == 0;
        }
        field(Span { begin, end: bytes.len(), is_plain: was_plain });
        bytes.len()
    }

    fn has(self, byte: u8) -> bool {
        (byte == self.delimiter) | (byte == b'\n') | (byte == b'\r') | (byte == b'"')
    }
}

/// The first bytes of `bytes`, with blanks behind them where there are too few: these end nothing.
#[inline]
fn block(bytes: &[u8]) -> [u8; WIDTH] {
    bytes.first_chunk().copied().unwrap_or_else(|| {
        let mut block = [b' '; WIDTH];
        block[..bytes.len()].copy_from_slice(bytes);
        block
    })
}

/// A number with a bit for each byte that `is` so, the lowest one for the first byte.
#[inline]
fn bits(block: &[u8; WIDTH], is: impl Fn(u8) -> bool) -> u64 {
    /// Moves the lowest bit of each of eight bytes into the highest byte, side by side.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut flags = [0; WIDTH];
    for (flag, &byte) in flags.iter_mut().zip(block) {
        *flag = u8::from(is(byte));
    }
    let eights = flags.as_chunks().0.iter().map(|&eight| u64::from_le_bytes(eight));
    // So it is with characters that are not plain, mostly.
    if eights.clone().fold(0, |any, eight| any | eight) == 0 {
        return 0;
    }
    let gathered = eights.map(|eight| eight.wrapping_mul(GATHER) & 0xff << 56);
    gathered.rev().zip((0..).step_by(8)).fold(0, |bits, (eight, shift)| bits | eight >> shift)
}

/// Whether a text has nothing in it but what every keyboard types and everybody sees: the
/// characters of ASCII from the blank on.
#[inline]
pub(super) fn is_plain(text: &[u8]) -> bool {
    // Without a way out, so that many bytes are compared in one go.
    text.iter().fold(true, |plain, &byte| plain & is_plain_byte(byte))
}

fn is_plain_byte(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_bit() {
        let mut block = [b'a'; WIDTH];
        for at in 0..WIDTH {
            block[at] = b'b';
            assert_eq!(bits(&block, |byte| byte == b'b'), u64::MAX >> (WIDTH - 1 - at));
        }
    }

    #[test]
    fn fields_end_where_they_end_one_by_one_and_are_as_plain() {
        for delimiter in [b',', b'\t'] {
            for length in 0..3 * WIDTH {
                for (end, other) in [("", 'é'), ("\n", '\u{7f}'), ("\r", '\0'), ("\"\n,", '~')] {
                    let field = "x".repeat(length % 23);
                    let fields = format!("{field}\0{field}\0{other}\0\0{field}{other}\0");
                    let line = fields.replace('\0', char::from(delimiter).encode_utf8(&mut [0; 4]));
                    let line = line.repeat(length / 23 + 1) + end + &"\r".repeat(length % 3);
                    let bytes = line.as_bytes();
                    let stop = bytes.iter().position(|byte| b"\n\r\"".contains(byte));
                    let stop = stop.unwrap_or(bytes.len());
                    let mut begin = 0;
                    let mut expected = Vec::new();
                    for field in bytes[..stop].split(|&byte| byte == delimiter) {
                        let end = begin + field.len();
                        expected.push(Span { begin, end, is_plain: is_plain(field) });
                        begin = end + 1;
                    }
                    let mut found = Vec::new();
                    let ends = Ends::of_delimiter(delimiter);
                    assert_eq!(ends.each(bytes, |span| found.push(span)), stop);
                    assert_eq!(found, expected, "{line:?}");
                }
            }
        }
    }

    #[test]
    fn plain_is_what_can_be_seen_and_typed() {
        for c in (0..0x3000).filter_map(char::from_u32) {
            let text = format!("a{c}b");
            assert_eq!(is_plain(text.as_bytes()), c == ' ' || c.is_ascii_graphic(), "{c:?}");
        }
    }
}
