//! QR strings of the EMV kind: tags, lengths, values and the CRC at the end.

/// CRC-16/CCITT-FALSE, as four upper-case hexadecimal digits.
pub(crate) fn crc(text: &str) -> String {
    let crc = text.bytes().fold(0xFFFF_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    });
    format!("{crc:04X}")
}

/// Appends one value under a two-digit tag. A value has 99 characters at most.
pub(crate) fn push(out: &mut String, tag: &str, value: &str) {
    out.push_str(tag);
    out.push_str(&format!("{:02}", value.chars().count()));
    out.push_str(value);
}

/// Closes a string with its CRC.
pub(crate) fn close(mut text: String) -> String {
    text.push_str("6304");
    let crc = crc(&text);
    text.push_str(&crc);
    text
}

/// The tags of a string, or of a value that holds tags itself, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tags<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Tags<'a> {
    /// Walks over tags and lengths. `None` where they do not add up.
    pub(crate) fn walk(mut text: &'a str) -> Option<Self> {
        let mut tags = Vec::new();
        while !text.is_empty() {
            let (tag, rest) = text.split_at_checked(2)?;
            let (length, rest) = rest.split_at_checked(2)?;
            if !tag.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let length: usize = length.parse().ok()?;
            // Lengths count characters, and a name may be written in Khmer.
            let end = rest.char_indices().map(|(at, _)| at).chain([rest.len()]).nth(length)?;
            let (value, rest) = rest.split_at_checked(end)?;
            tags.push((tag, value));
            text = rest;
        }
        Some(Self(tags))
    }

    /// Walks over a whole QR string and checks its CRC.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let tags = Self::walk(text)?;
        let (last, sent) = tags.0.last()?;
        let covered = text.strip_suffix(sent)?;
        let right = *last == "63" && crc(covered).eq_ignore_ascii_case(sent);
        right.then_some(tags)
    }

    pub(crate) fn get(&self, tag: &str) -> Option<&'a str> {
        self.0.iter().find(|(name, _)| *name == tag).map(|(_, value)| *value)
    }

    /// A value beneath a tag that holds tags itself.
    pub(crate) fn beneath(&self, tag: &str, inner: &str) -> Option<&'a str> {
        Self::walk(self.get(tag)?)?.get(inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENTED: &str = "00020101021129490009khqr@kess01090000249240219Kess Innovation Plc\
        5204599953038405802KH5910Bunna Roth6010Phnom Penh62130209015703635991700131738910956926\
        630400AA";

    #[test]
    fn the_documented_string_reads_as_documented() {
        let tags = Tags::read(DOCUMENTED).unwrap();
        assert_eq!(tags.beneath("29", "01"), Some("000024924"));
        assert_eq!(tags.get("59"), Some("Bunna Roth"));
        assert_eq!(tags.beneath("62", "02"), Some("015703635"));
    }

    #[test]
    fn nonsense_and_a_wrong_crc_are_told() {
        for text in ["", "x", "0002", "00ZZab", "000501", &DOCUMENTED.replace("00AA", "00AB")] {
            assert_eq!(Tags::read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let mut text = String::new();
        push(&mut text, "00", "01");
        push(&mut text, "59", "ខ្មែរ");
        let text = close(text);
        assert_eq!(Tags::read(&text).unwrap().get("59"), Some("ខ្មែរ"));
    }
}
