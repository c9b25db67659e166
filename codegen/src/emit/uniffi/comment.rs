//! Documentation comments of Kotlin (`/** ... */`) and Swift (`/// ...`).
//!
//! In both languages comments nest, so that inside of one a mark for a comment's beginning does as
//! much harm as a mark for its end. UniFFI makes comments of the first kind for either language.

use super::language::Language;
use crate::emit::fold::{fold, paragraphs};
use crate::emit::wording::one_line;

const COLUMNS: usize = 100;
const INDENT: usize = 4;

/// The text without anything that begins or ends a comment.
pub(super) fn harmless(text: &str) -> String {
    text.replace("*/", "*\\/").replace("/*", "/\\*")
}

/// A part of a comment.
pub(super) enum Block {
    /// Paragraphs, and lists whose items begin with a dash.
    Prose(String),
    /// Items one below the other: a tag such as `@return`, and what it says.
    Tags(Vec<(String, String)>),
    /// Lines that stay as they are.
    Code(Vec<String>),
}

/// The comment at that depth, line by line.
pub(super) fn comment(language: Language, level: usize, blocks: &[Block]) -> Vec<String> {
    let room = COLUMNS - level * INDENT - "/// ".len();
    let mut lines: Vec<String> = Vec::new();
    for block in blocks {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        match block {
            Block::Prose(text) => lines.extend(paragraphs(text, room)),
            Block::Tags(tags) => lines.extend(tags.iter().flat_map(|tag| tagged(tag, room))),
            Block::Code(code) => lines.extend(fenced(language, code)),
        }
    }
    let indent = " ".repeat(level * INDENT);
    let line = |mark: &str, line: &str| format!("{indent}{mark} {line}").trim_end().to_owned();
    match language {
        Language::Kotlin => {
            let inner = lines.iter().map(|text| line(" *", &harmless(text)));
            std::iter::once(format!("{indent}/**"))
                .chain(inner)
                .chain([format!("{indent} */")])
                .collect()
        }
        Language::Swift => lines.iter().map(|text| line("///", text)).collect(),
    }
}

/// The tag with its text; what does not fit into the line is indented below.
fn tagged((tag, text): &(String, String), room: usize) -> Vec<String> {
    let depth = tag.len() - tag.trim_start().len();
    let text = format!("{} {}", tag.trim_start(), one_line(text));
    let lines = fold(text.trim_end().trim_start_matches("- "), room - depth - INDENT);
    let dash = if tag.trim_start().starts_with("- ") { "- " } else { "" };
    let below = if dash.is_empty() { INDENT } else { dash.len() };
    let first = |line: &String| format!("{}{dash}{line}", " ".repeat(depth));
    let next = |line: &String| format!("{}{line}", " ".repeat(depth + below));
    lines.iter().take(1).map(first).chain(lines.iter().skip(1).map(next)).collect()
}

fn fenced(language: Language, code: &[String]) -> Vec<String> {
    let fence = match language {
        Language::Kotlin => "```kotlin",
        Language::Swift => "```swift",
    };
    let fences = [fence.to_owned(), "```".to_owned()];
    let [open, close] = fences;
    std::iter::once(open).chain(code.iter().cloned()).chain([close]).collect()
}

#[cfg(test)]
mod tests {
    use super::{Block, Language, comment, harmless};

    #[test]
    fn no_text_begins_or_ends_a_comment() {
        assert_eq!(harmless("*/* and /*/"), "*\\/\\* and /\\*\\/");
        assert_eq!(harmless("2 * 3 / 4"), "2 * 3 / 4");
    }

    #[test]
    fn a_tag_is_indented_below_itself() {
        let long = "word ".repeat(20);
        let tag = |tag: &str| Block::Tags(vec![(tag.to_owned(), long.clone())]);
        let lines = comment(Language::Kotlin, 0, &[tag("@return")]);
        assert!(lines[1].starts_with(" * @return word"), "{lines:?}");
        assert!(lines[2].starts_with(" *     word"), "{lines:?}");
        let lines = comment(Language::Swift, 1, &[tag("  - request:")]);
        assert!(lines[0].starts_with("    ///   - request: word"), "{lines:?}");
        assert!(lines[1].starts_with("    ///     word"), "{lines:?}");
    }
}
