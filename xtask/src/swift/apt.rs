//! What this machine's apt says: where it gets Debian from.
//!
//! No mirror is named here. Whoever set up the machine chose one that it can reach.

use std::fs;
use std::path::Path;

/// The mirror from which this machine takes Debian itself, not its security updates.
pub(super) fn mirror() -> Result<String, String> {
    let folder = Path::new("/etc/apt");
    let mut files = vec![folder.join("sources.list")];
    let more = fs::read_dir(folder.join("sources.list.d")).into_iter().flatten().flatten();
    files.extend(more.map(|entry| entry.path()));
    files.sort();
    let texts = files.iter().filter_map(|file| {
        let text = fs::read_to_string(file).ok()?;
        let ending = file.extension()?.to_str()?;
        match ending {
            "sources" => of_stanzas(&text),
            "list" => of_lines(&text),
            _ => None,
        }
    });
    texts.into_iter().next().ok_or_else(|| {
        "no source in /etc/apt holds Debian's section main, so there is no mirror to take it from"
            .to_owned()
    })
}

/// The mirror of a file whose name ends in `.sources`: stanzas of fields.
fn of_stanzas(text: &str) -> Option<String> {
    text.split("\n\n").find_map(|stanza| {
        let field = |name: &str| {
            let lines = stanza.lines().filter_map(|line| line.split_once(':'));
            let mut named = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
            Some(named.next()?.1.split_whitespace().collect::<Vec<_>>())
        };
        let disabled = field("Enabled").is_some_and(|words| words == ["no"]);
        let packages = field("Types")?.contains(&"deb") && field("Components")?.contains(&"main");
        let uri = field("URIs")?.into_iter().next()?;
        let wanted = packages && !disabled && field("Suites")?.iter().any(|suite| is_debian(suite));
        wanted.then(|| uri.to_owned())
    })
}

/// The mirror of a file whose name ends in `.list`: `deb [options] URI suite component...`.
fn of_lines(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let line = line.split('#').next()?.trim().strip_prefix("deb ")?.trim();
        let bare = match line.strip_prefix('[') {
            Some(options) => options.split_once(']')?.1,
            None => line,
        };
        let mut words = bare.split_whitespace();
        let (uri, suite) = (words.next()?, words.next()?);
        (is_debian(suite) && words.any(|word| word == "main")).then(|| uri.to_owned())
    })
}

/// Whether a suite is Debian itself, and not what is laid over it.
fn is_debian(suite: &str) -> bool {
    !suite.contains(['-', '/'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_that_of_debian_itself() {
        let text = "Types: deb\nURIs: http://m.test/security\nSuites: bookworm-security\n\
                    Components: main\n\nTypes: deb deb-src\n# a note: of somebody\n\
                    URIs: http://m.test/debian http://n.test/debian\n\
                    Suites: bookworm bookworm-updates\nComponents: main contrib\n";
        assert_eq!(of_stanzas(text).as_deref(), Some("http://m.test/debian"));
        assert_eq!(of_stanzas(&text.replace("bookworm ", "")), None);
        assert_eq!(of_stanzas(&format!("{text}Enabled: no\n")), None);
    }

    #[test]
    fn the_older_form_is_read_too() {
        let text = "# deb http://off.test/debian bookworm main\n\
                    deb http://m.test/security bookworm-security main\n\
                    deb [signed-by=/a.gpg arch=amd64] http://m.test/debian bookworm main # ours\n";
        assert_eq!(of_lines(text).as_deref(), Some("http://m.test/debian"));
        assert_eq!(of_lines("deb http://m.test/tools ./\n"), None);
    }
}
