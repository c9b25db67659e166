//! Breaks prose and code into lines.

use super::wording::one_line;

/// Breaks a line between words, so that none has more than `columns` unless a word has. The rest of
/// a list's item is indented below its text.
pub(super) fn fold(line: &str, columns: usize) -> Vec<String> {
    let indent = if line.starts_with("- ") { "  " } else { "" };
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let current = lines.last_mut().expect("there is always a line");
        if current.is_empty() {
            current.push_str(word);
        } else if current.chars().count() + 1 + word.chars().count() <= columns {
            current.push(' ');
            current.push_str(word);
        } else {
            lines.push(format!("{indent}{word}"));
        }
    }
    lines
}

/// Paragraphs folded anew: what was a line's end in the spec is none here.
pub(super) fn paragraphs(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.trim().split("\n\n") {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let items = paragraph.replace("\n- ", "\n\n- ");
        for item in items.split("\n\n") {
            lines.extend(fold(&one_line(item), columns));
        }
    }
    lines
}

/// `head` and the items and `tail`: in a line where that is short enough, else one below the other,
/// each but the last with a comma behind it. `last` is what stands behind the last.
pub(super) fn spread(
    columns: usize,
    head: &str,
    items: &[String],
    tail: &str,
    last: &str,
) -> Vec<String> {
    let line = format!("{head}{}{tail}", items.join(", "));
    if !line.contains('\n') && line.chars().count() <= columns {
        return vec![line];
    }
    let mut lines = vec![head.to_owned()];
    for (index, item) in items.iter().enumerate() {
        let mut item: Vec<String> = item.lines().map(|line| format!("    {line}")).collect();
        if let Some(end) = item.last_mut() {
            end.push_str(if index + 1 == items.len() { last } else { "," });
        }
        lines.extend(item);
    }
    lines.push(tail.to_owned());
    lines
}
