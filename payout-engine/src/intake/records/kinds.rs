//! What kinds of characters a field holds: one look at each byte, and most rules need no other.

/// A set of kinds of characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::intake) struct Kinds(u8);

impl Kinds {
    /// `0` to `9`.
    pub(in crate::intake) const DIGIT: Self = Self(1);
    /// `A` to `Z`.
    pub(in crate::intake) const UPPER: Self = Self(2);
    /// `a` to `z`.
    pub(in crate::intake) const LOWER: Self = Self(4);
    /// Any other character of ASCII that can be seen.
    pub(in crate::intake) const SIGN: Self = Self(8);
    /// The blank.
    pub(in crate::intake) const BLANK: Self = Self(16);
    /// A byte that is not ASCII and begins no control character.
    pub(in crate::intake) const FOREIGN: Self = Self(32);
    /// A control character, or what may be the first half of one.
    pub(in crate::intake) const ODD: Self = Self(64);
    /// Whatever can be seen and is ASCII.
    pub(in crate::intake) const GRAPHIC: Self =
        Self(Self::DIGIT.0 | Self::UPPER.0 | Self::LOWER.0 | Self::SIGN.0);
    /// What is between two fields; no field holds it.
    const END: Self = Self(128);

    /// The kinds of the characters of `text`.
    pub(in crate::intake) fn of(text: &[u8]) -> Self {
        text.iter().fold(Self::default(), |all, &byte| all.and(KINDS[usize::from(byte)]))
    }

    /// Both sets in one.
    pub(in crate::intake) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether some kind is in both sets.
    pub(in crate::intake) const fn has(self, some: Self) -> bool {
        self.0 & some.0 != 0
    }

    /// Whether no other kind is in this set than those in `allowed`.
    pub(in crate::intake) const fn only(self, allowed: Self) -> bool {
        self.0 & !allowed.0 == 0
    }
}

const fn kind_of(byte: u8) -> Kinds {
    match byte {
        b'0'..=b'9' => Kinds::DIGIT,
        b'A'..=b'Z' => Kinds::UPPER,
        b'a'..=b'z' => Kinds::LOWER,
        b' ' => Kinds::BLANK,
        b'!'..=b'~' => Kinds::SIGN,
        // Of the characters of UTF-8, those from U+0080 to U+009F begin with this byte.
        0..=0x1f | 0x7f | 0xc2 => Kinds::ODD,
        0x80.. => Kinds::FOREIGN,
    }
}

static KINDS: [Kinds; 256] = {
    let mut kinds = [Kinds::ODD; 256];
    let mut byte = 0;
    while byte < kinds.len() {
        #[expect(clippy::cast_possible_truncation, reason = "a table of bytes")]
        let kind = kind_of(byte as u8);
        kinds[byte] = kind;
        byte += 1;
    }
    kinds
};

/// What each byte means to one who splits a line.
pub(super) struct Classes([Kinds; 256]);

/// What a byte means: a kind of character, or the end of something.
type Class = Kinds;

impl Classes {
    /// Those of a file with this delimiter.
    pub(super) fn of_delimiter(delimiter: u8) -> Self {
        let mut classes = KINDS;
        classes[usize::from(delimiter)] = Kinds::END;
        for stop in *b"\"\n\r" {
            classes[usize::from(stop)] = Kinds::END.and(Kinds::ODD);
        }
        Self(classes)
    }

    pub(super) fn of(&self, byte: u8) -> Class {
        self.0[usize::from(byte)]
    }
}

impl Class {
    /// Whether it is the delimiter.
    pub(super) fn ends_field(self) -> bool {
        self == Self::END
    }

    /// Whether it ends a line or begins a text in quotes.
    pub(super) fn stops(self) -> bool {
        self.has(Self::END)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_has_the_kind_that_it_is_of() {
        for c in (0..0x3000).filter_map(char::from_u32) {
            let kinds = Kinds::of(c.encode_utf8(&mut [0; 4]).as_bytes());
            assert_eq!(kinds == Kinds::DIGIT, c.is_ascii_digit(), "{c:?}");
            assert_eq!(kinds == Kinds::UPPER, c.is_ascii_uppercase(), "{c:?}");
            assert_eq!(kinds == Kinds::LOWER, c.is_ascii_lowercase(), "{c:?}");
            assert_eq!(kinds == Kinds::SIGN, c.is_ascii_punctuation(), "{c:?}");
            assert_eq!(kinds == Kinds::BLANK, c == ' ', "{c:?}");
            assert!(kinds.has(Kinds::ODD) || !c.is_control(), "{c:?}");
            assert_eq!(kinds.has(Kinds::FOREIGN.and(Kinds::ODD)), !(' '..='~').contains(&c));
        }
    }
}
