//! `payout check`: every problem of a file, without network and without a store.

use std::path::Path;

use crate::command::args::{CheckArgs, Global};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::{checked_json, checked_text, print, quoted};
use crate::config::Config;
use crate::intake::{self, Checked, SEALED_BYTES};

pub(crate) async fn execute(
    args: &CheckArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let checked = check(&args.file, config.sealed_capacity()).await?;
    let text = if global.json { checked_json(&checked) } else { verdict(&checked, &args.file) };
    print(&text)?;
    Ok(if checked.is_good() { Exit::Done } else { Exit::FileRefused })
}

/// Reads the file on a thread of its own. `capacity` is that of the merchant's key, if it is known.
pub(crate) async fn check(path: &Path, capacity: Option<usize>) -> Result<Checked, Failure> {
    let path = path.to_owned();
    let capacity = capacity.unwrap_or(SEALED_BYTES);
    let checked = tokio::task::spawn_blocking(move || intake::check(&path, capacity)).await;
    let checked = checked.map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
    checked.map_err(|error| Failure::from(error).with_exit(Exit::Usage))
}

fn verdict(checked: &Checked, file: &Path) -> String {
    let file = quoted(&file.display().to_string());
    let text = checked_text(checked);
    let next = if checked.is_good() {
        format!("\n\nThe file is in order. Pay it: payout run {file}")
    } else if checked.can_skip_problems() {
        format!(
            "\n\nThe file is not in order. Repair it, or pay the valid rows only: \
             payout run {file} --skip-invalid"
        )
    } else {
        "\n\nThe file is not in order. Repair it and check again.".to_owned()
    };
    format!("{text}{next}")
}
