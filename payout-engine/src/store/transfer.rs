//! What a store has to do for a batch to be carried to another one: let it go for good, hand its
//! tables over as they stand, take them in.
//!
//! Every store keeps the same tables with the same columns, so a batch is carried as it is, cell by
//! cell, and its event log goes on in the other store with the same hashes ([`crate::chain`]).
//! [`crate::carry`] puts the steps in order.
//!
//! Invariant: a batch that was let go is never leased again but by who carries it to the very same
//! place, and what came of a batch is there as a whole or not at all.

use jiff::Timestamp;
use sqlx::{Database, Encode, QueryBuilder, Type};

use super::{
    Answer, Lease, Store,
    codec::{Columns, Fields},
};
use crate::{
    batch::{Batch, BatchId, BatchState},
    error::Error,
};

/// Rows read and written at once: few enough values for one statement of any store.
const PAGE: usize = 500;

/// What a column holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Integer,
    Text,
    Bytes,
}

/// One value of a row.
#[derive(Clone)]
pub(crate) enum Cell {
    Integer(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// The values of a row, in the order of the table's columns.
pub(crate) type Cells = Vec<Cell>;

/// A table of which a batch has rows.
pub(crate) struct Table {
    name: &'static str,
    /// The column that says of which batch a row is.
    batch: &'static str,
    /// Whether it is read page by page, by its first column.
    is_long: bool,
    columns: &'static [(&'static str, Kind)],
}

use Kind::{Bytes, Integer, Text};

/// The batch itself, but for who has it in hand, where it went, and in which state.
pub(crate) const BATCH: Table = Table {
    name: "batches",
    batch: "id",
    is_long: false,
    columns: &[
        ("name", Text),
        ("code", Text),
        ("base_url", Text),
        ("seller_code", Text),
        ("source", Text),
        ("options", Text),
        ("rows", Integer),
        ("fence", Integer),
        ("runner", Text),
        ("stop_cause", Text),
        ("stop_message", Text),
        ("interrupted", Integer),
        ("elapsed_ms", Integer),
        ("created_at", Integer),
        ("updated_at", Integer),
        ("events", Integer),
        ("head", Bytes),
        ("salt", Bytes),
        ("purged_at", Integer),
        ("cancel_requested_at", Integer),
        ("cancel_requested_by", Text),
        ("cancel_reason", Text),
        ("paused_at", Integer),
        ("paused_by", Text),
        ("restored_at", Integer),
    ],
};

/// All that hangs on the batch.
pub(crate) const TABLES: [Table; 5] = [
    Table {
        name: "payouts",
        batch: "batch_id",
        is_long: true,
        columns: &[
            ("row", Integer),
            ("line", Integer),
            ("reference", Text),
            ("currency", Text),
            ("amount", Integer),
            ("state", Text),
            ("outcome", Text),
            ("attempt", Integer),
            ("order_no", Text),
            ("sends", Integer),
            ("sent_at", Integer),
            ("seen", Integer),
            ("not_found", Integer),
            ("not_found_at", Integer),
            ("tries", Integer),
            ("next_at", Integer),
            ("watched_since", Integer),
            ("reason_code", Text),
            ("reason_message", Text),
            ("warning_code", Text),
            ("warning_message", Text),
            ("holder_name", Text),
            ("transaction_id", Text),
            ("otp_url", Text),
            ("expires_at", Integer),
            ("decisions", Text),
            ("version", Integer),
            ("updated_at", Integer),
        ],
    },
    Table {
        name: "payees",
        batch: "batch_id",
        is_long: true,
        columns: &[
            ("row", Integer),
            ("first_name", Text),
            ("last_name", Text),
            ("holder_name", Text),
            ("phone_number", Text),
            ("email", Text),
            ("bank_account_number", Text),
            ("bic", Text),
            ("address", Text),
            ("city", Text),
            ("postcode", Text),
            ("body", Text),
            ("extra", Text),
        ],
    },
    Table {
        name: "requested",
        batch: "batch_id",
        is_long: false,
        columns: &[("currency", Text), ("rows", Integer), ("amount", Integer)],
    },
    Table {
        name: "sums",
        batch: "batch_id",
        is_long: false,
        columns: &[("currency", Text), ("outcome", Text), ("rows", Integer), ("amount", Integer)],
    },
    Table {
        name: "events",
        batch: "batch_id",
        is_long: true,
        columns: &[("seq", Integer), ("entry", Text), ("hash", Bytes)],
    },
];

/// A batch on its way.
pub(crate) struct Parcel<'a> {
    /// Where it still is, let go.
    pub(crate) source: &'a dyn Transfer,
    /// As it is there.
    pub(crate) batch: &'a Batch,
    /// The state in which it arrives.
    pub(crate) state: BatchState,
    /// The place there, for the log.
    pub(crate) from: &'a str,
    /// Who carries it.
    pub(crate) runner: &'a str,
    /// Whether it may have been here before: then what it says of orders may be out of date.
    pub(crate) is_doubtful: bool,
}

/// A store that batches can be carried from and to.
pub(crate) trait Transfer: Store {
    /// Takes the batch over alone, as [`Store::lease`] does, and lets it go to `to`, in one durable
    /// step: from there on nobody runs it here. One that was let go to `to` before is taken over
    /// again, to finish that.
    fn depart<'a>(
        &'a self,
        batch: &'a Batch,
        runner: &'a str,
        to: &'a str,
        now: Timestamp,
    ) -> Answer<'a, Lease>;

    /// Rows of a batch in a table; of a long one those after `after`, some at a time, none at the
    /// end.
    fn page<'a>(&'a self, table: &'a Table, batch: BatchId, after: i64) -> Answer<'a, Vec<Cells>>;

    /// Takes a batch in that was let go, as a whole, and goes on with its log.
    fn arrive<'a>(&'a self, parcel: &'a Parcel<'a>, now: Timestamp) -> Answer<'a, Batch>;
}

impl Table {
    /// What reads a page.
    pub(super) fn select<DB>(&self, batch: BatchId, after: i64) -> QueryBuilder<DB>
    where
        DB: Database,
        i64: for<'q> Encode<'q, DB> + Type<DB>,
    {
        let columns: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        let Self { name, batch: owner, .. } = self;
        let (key, columns) = (columns[0], columns.join(", "));
        let mut query = QueryBuilder::new(format!("SELECT {columns} FROM {name} WHERE {owner} = "));
        query.push_bind(batch.0);
        if self.is_long {
            query.push(format!(" AND {key} > ")).push_bind(after);
            query.push(format!(" ORDER BY {key} LIMIT {PAGE}"));
        }
        query
    }

    /// What a row says.
    pub(super) fn cells<R: Columns>(&self, row: &R) -> Result<Cells, Error> {
        let row = Fields(row);
        let cell = |(name, kind): &(&str, Kind)| {
            Ok(match kind {
                Integer => Cell::Integer(row.maybe_int(name)?),
                Text => Cell::Text(row.maybe_text(name)?.map(str::to_owned)),
                Bytes => Cell::Bytes(row.maybe_bytes(name)?.map(<[u8]>::to_owned)),
            })
        };
        self.columns.iter().map(cell).collect()
    }

    /// What writes rows, with further columns in front of their own.
    pub(super) fn insert<DB>(&self, others: &[(&str, Cell)], rows: Vec<Cells>) -> QueryBuilder<DB>
    where
        DB: Database,
        Option<i64>: for<'q> Encode<'q, DB> + Type<DB>,
        Option<String>: for<'q> Encode<'q, DB> + Type<DB>,
        Option<Vec<u8>>: for<'q> Encode<'q, DB> + Type<DB>,
    {
        let columns = others.iter().map(|(name, _)| *name);
        let columns: Vec<_> = columns.chain(self.columns.iter().map(|(name, _)| *name)).collect();
        let columns = columns.join(", ");
        let mut query = QueryBuilder::new(format!("INSERT INTO {} ({columns}) ", self.name));
        query.push_values(rows, |mut tuple, row| {
            for cell in others.iter().map(|(_, cell)| cell.clone()).chain(row) {
                match cell {
                    Cell::Integer(value) => tuple.push_bind(value),
                    Cell::Text(value) => tuple.push_bind(value),
                    Cell::Bytes(value) => tuple.push_bind(value),
                };
            }
        });
        query
    }

    /// Where the next page begins; `None` where this was the last.
    pub(super) fn after(&self, page: &[Cells]) -> Option<i64> {
        match page.last()?.first()? {
            Cell::Integer(Some(key)) if self.is_long => Some(*key),
            _ => None,
        }
    }
}
