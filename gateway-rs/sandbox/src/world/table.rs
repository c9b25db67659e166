//! Rows by key that remember which of them changed, so that a change cannot miss the state file.

use std::collections::{BTreeMap, BTreeSet};

/// Rows by key. Whoever takes a row mutably marks it as changed.
pub(crate) struct Table<T> {
    rows: BTreeMap<String, T>,
    changed: BTreeSet<String>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), changed: BTreeSet::new() }
    }
}

impl<T: Clone> Table<T> {
    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.rows.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        let row = self.rows.get_mut(key)?;
        self.changed.insert(key.to_owned());
        Some(row)
    }

    pub(crate) fn put(&mut self, key: impl Into<String>, row: T) {
        let key = key.into();
        self.changed.insert(key.clone());
        self.rows.insert(key, row);
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.rows.contains_key(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows in the order of their keys.
    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.values()
    }

    /// Keys and rows in the order of the keys.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&String, &T)> {
        self.rows.iter()
    }

    /// What changed since the last call, with the rows as they are now.
    pub(crate) fn take_changed(&mut self) -> BTreeMap<String, T> {
        let changed = std::mem::take(&mut self.changed);
        let row = |key: String| self.rows.get(&key).cloned().map(|row| (key, row));
        changed.into_iter().filter_map(row).collect()
    }

    /// Forgets what changed, where nobody keeps a state file.
    pub(crate) fn forget_changed(&mut self) {
        self.changed.clear();
    }

    /// Takes rows that were read from the state file; they count as unchanged.
    pub(crate) fn restore(&mut self, rows: BTreeMap<String, T>) {
        self.rows.extend(rows);
    }
}
