//! A store in PostgreSQL: can it be reached, does it keep what was committed, who may listen on the
//! way to it, and is there a folder to note what was seen of it?

use super::{Check, NAME, Verdict, contents};
use crate::Error;
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::place::Place;

pub(super) async fn checks(place: &Place) -> Vec<Check> {
    match found(place).await {
        Ok(checks) => checks,
        Err(error) => vec![Check::failed(NAME, &Failure::from(error))],
    }
}

async fn found(place: &Place) -> Result<Vec<Check>, Error> {
    let store = place.url.postgres().await?;
    let settings = store.settings().await?;
    let durable = match settings.fsync && settings.full_page_writes {
        true => Check::ok("store's durability", "the server forces commits to its disk"),
        false => Check::bad(
            "store's durability",
            Verdict::Fail(Exit::Usage),
            "the server runs with fsync or full_page_writes off: a loss of power can lose payouts",
            "set both to on in postgresql.conf, and reload the server",
        ),
    };
    let private = match settings.is_private {
        true => Check::ok("store's privacy", "nobody can listen between here and the server"),
        false => Check::bad(
            "store's privacy",
            Verdict::Warn,
            "the connection to the server is not encrypted",
            "append ?sslmode=verify-full to its URL",
        ),
    };
    let witness = match settings.state_folder {
        Some(folder) => {
            let found = format!("what is seen of the store is noted in {}", folder.display());
            Check::ok("store's witness", found)
        }
        None => Check::bad(
            "store's witness",
            Verdict::Warn,
            "there is no folder to note what was seen, so a server whose disk is put back from a \
             snapshot is not noticed",
            "set PAYOUT_STATE_DIR to a folder that outlives this machine's processes",
        ),
    };
    Ok(vec![contents(place, &store).await?, durable, private, witness])
}
