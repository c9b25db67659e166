//! `payout init`: a commented `payout.toml` and a template of the batch file.
//!
//! It begins things, so it never ends any: a file that is there stays as it is. No secret is asked
//! for and none is written; the comments say which variables to set.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::command::args::Global;
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::{print, quoted, tell};

const CONFIGURATION: &str = include_str!("init/payout.toml");
const TEMPLATE: &str = include_str!("init/template.csv");

/// The template's name, in the working folder.
const TEMPLATE_FILE: &str = "payout-template.csv";

pub(crate) fn execute(global: &Global) -> Result<Exit, Failure> {
    let configuration = global.config.clone().unwrap_or_else(|| PathBuf::from("payout.toml"));
    let above = configuration_above();
    let mut written = Vec::new();
    let mut kept = Vec::new();
    for (path, text) in [(configuration, CONFIGURATION), (TEMPLATE_FILE.into(), TEMPLATE)] {
        let list = if write_new(&path, text)? { &mut written } else { &mut kept };
        list.push(path.display().to_string());
    }
    if let Some(above) = above.filter(|_| global.config.is_none() && kept.is_empty()) {
        tell(&format!(
            "warning: {} was in force here and is not any more; if its store is to be used \
             further, name it in the new file",
            above.display()
        ));
    }
    if global.json {
        print(&json!({ "written": written, "kept": kept }).to_string())?;
    } else {
        print(&told(&written, &kept))?;
    }
    Ok(Exit::Done)
}

/// Writes a file for its owner alone. `false` where there is one already.
fn write_new(path: &Path, text: &str) -> Result<bool, Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = match file {
        Ok(mut file) => file.write_all(text.as_bytes()).and_then(|()| file.sync_all()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => Err(error),
    };
    written
        .map(|()| true)
        .map_err(|error| Failure::usage(format!("{} cannot be written: {error}", path.display())))
}

/// The `payout.toml` of a folder above, which a new one here puts out of force.
fn configuration_above() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    here.ancestors().skip(1).map(|dir| dir.join("payout.toml")).find(|path| path.is_file())
}

fn told(written: &[String], kept: &[String]) -> String {
    let mut lines: Vec<_> = written.iter().map(|path| format!("written: {path}")).collect();
    lines.extend(kept.iter().map(|path| format!("there already, left as it is: {path}")));
    lines.push(String::new());
    lines.push("set the variables that payout.toml names, then look: payout doctor".to_owned());
    lines.push(format!("fill in the template, then: payout check {}", quoted(TEMPLATE_FILE)));
    lines.join("\n")
}
