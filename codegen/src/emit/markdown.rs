//! Tables in Markdown.

/// A table: its headings and its rows.
pub(super) fn table<const N: usize>(headings: [&str; N], rows: Vec<[String; N]>) -> String {
    let mut out = format!("| {} |\n|{}\n", headings.join(" | "), "---|".repeat(N));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    out
}

/// A text as it may stand in a cell.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cell_is_one_line_and_ends_no_column() {
        let table = super::table(["a", "b"], vec![["x | y".into(), "one\n  two".into()]]);
        assert_eq!(table, "| a | b |\n|---|---|\n| x \\| y | one two |\n");
    }
}
