//! Files that were checked and wait for a person's next step.
//!
//! They are kept in memory alone: whatever ends the server leaves no payroll in a temporary folder.
//! The browser gets a random name for its file and never sends the contents again, so what is paid
//! is what was checked.
//!
//! Invariant: a file is seen by the session that brought it, for an hour, and becomes a batch once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::{RngCore, rngs::OsRng};
use tokio::time::Instant;

use crate::{intake::Checked, serve::Person};

/// How long a file waits.
const HOUR: Duration = Duration::from_secs(3_600);

/// Bytes of all files together; those that wait longest make room.
const BYTES: usize = 256 * 1024 * 1024;

/// A file that was checked.
#[derive(Clone)]
pub(super) struct Kept {
    /// What people call it.
    pub(super) name: String,
    /// What was found in it, and the file itself.
    pub(super) checked: Arc<Checked>,
    bytes: usize,
    owner: String,
    since: Instant,
}

/// All files that wait.
#[derive(Default)]
pub(super) struct Uploads(Mutex<HashMap<String, Kept>>);

impl Uploads {
    /// Keeps a file, and returns the name under which its owner finds it.
    pub(super) fn keep(
        &self,
        person: &Person,
        name: String,
        checked: Checked,
        bytes: usize,
    ) -> String {
        let mut random = [0; 16];
        OsRng.fill_bytes(&mut random);
        let id = hex::encode(random);
        let (checked, owner, since) = (Arc::new(checked), owner(person), Instant::now());
        let mut kept = self.fresh();
        while kept.values().map(|it| it.bytes).sum::<usize>() + bytes > BYTES {
            let oldest = kept.iter().min_by_key(|(_, it)| it.since).map(|(id, _)| id.clone());
            let Some(oldest) = oldest else { break };
            kept.remove(&oldest);
        }
        kept.insert(id.clone(), Kept { name, checked, bytes, owner, since });
        id
    }

    /// A file of this person.
    pub(super) fn find(&self, person: &Person, id: &str) -> Option<Kept> {
        self.fresh().get(id).filter(|kept| kept.owner == owner(person)).cloned()
    }

    /// Forgets a file of this person, and says whether there was one: of two who want to make a
    /// batch of it, one does.
    pub(super) fn remove(&self, person: &Person, id: &str) -> Option<Kept> {
        let mut kept = self.fresh();
        kept.get(id).filter(|kept| kept.owner == owner(person))?;
        kept.remove(id)
    }

    /// Puts a file back of which no batch could be made.
    pub(super) fn put_back(&self, id: String, file: Kept) {
        self.fresh().insert(id, file);
    }

    /// The files, without those whose time is over.
    fn fresh(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, file| file.since.elapsed() < HOUR);
        kept
    }
}

/// The session, and the name in it: whoever comes with a token has no session.
fn owner(person: &Person) -> String {
    format!("{}\n{}", person.csrf(), person.name)
}
