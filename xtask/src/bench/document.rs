//! Figures into `docs/performance.md`, between marks; what people wrote around them stays.

use std::fs;
use std::path::Path;

use crate::{console, root};

/// The page, from the root of the repository.
const PAGE: &str = "docs/performance.md";

/// The picture beside it.
const PICTURE: &str = "docs/performance.svg";

/// Writes what `kess-bench compare` left in a folder.
pub(super) fn speed(folder: &Path) -> Result<(), String> {
    let table = read(&folder.join("performance.md"))?;
    put("speed", &table)?;
    let picture = folder.join("performance.svg");
    if !picture.exists() {
        console::warn(&format!("written: {PAGE}; without the part `sweep` there is no picture"));
        return Ok(());
    }
    let picture = read(&picture)?;
    fs::write(root().join(PICTURE), picture).map_err(|error| format!("{PICTURE}: {error}"))?;
    console::warn(&format!("written: {PAGE}, {PICTURE}"));
    Ok(())
}

/// Writes a text between the marks of that name.
pub(super) fn put(name: &str, text: &str) -> Result<(), String> {
    let path = root().join(PAGE);
    let page = replaced(&read(&path)?, name, text)?;
    fs::write(&path, page).map_err(|error| format!("{PAGE}: {error}"))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn replaced(page: &str, name: &str, text: &str) -> Result<String, String> {
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->\n"));
    let parts = page.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    let (before, after) = parts.ok_or_else(|| format!("{PAGE} has no marks for {name}"))?;
    Ok(format!("{before}{begin}{}\n{end}{after}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_the_marks_is_replaced() {
        let page = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n";
        let new = replaced(page, "x", "new\n\n").unwrap();
        assert_eq!(new, "a\n<!-- x: begin -->\nnew\n<!-- x: end -->\nb\n");
        assert_eq!(replaced(&new, "x", "new").unwrap(), new);
        assert!(replaced(page, "y", "new").unwrap_err().contains("no marks for y"));
    }

    #[test]
    fn the_page_has_the_marks() {
        let page = read(&root().join(PAGE)).unwrap();
        for name in ["speed", "compile"] {
            replaced(&page, name, "").unwrap();
        }
    }
}
