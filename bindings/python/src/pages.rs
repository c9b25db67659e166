//! Lists that come in pieces: [`Pages`], which the `iter_*` methods are made of.
//!
//! A piece is asked for when somebody wants its rows, and not before.

use std::sync::Arc;

use futures_util::StreamExt;
use kess_gateway::Effect;
use pyo3::prelude::*;
use tokio::sync::Mutex;

use crate::call::Pieces;
use crate::error::Failed;
use crate::pending::Pending;
use crate::runtime::Guarded;

/// The pieces of a list, in their order.
#[pyclass(module = "kesspay._native", frozen)]
pub(crate) struct Pages {
    pieces: Guarded<Arc<Mutex<Pieces>>>,
    effect: Effect,
}

impl Pages {
    pub(crate) fn new(pieces: Pieces, effect: Effect) -> Pages {
        Pages { pieces: Guarded::new(Arc::new(Mutex::new(pieces))), effect }
    }
}

#[pymethods]
impl Pages {
    /// The next piece: its rows, or None after the last.
    fn next(&self) -> Pending {
        let (pieces, effect) = (self.pieces.get().cloned(), self.effect);
        let piece = async move {
            let Some(pieces) = pieces else { return Ok(None) };
            let piece = pieces.lock().await.next().await.transpose();
            piece.map_err(|error| Failed { error, effect })
        };
        Pending::new(piece, |py, piece| match piece {
            Some(piece) => Ok(piece.to_python(py)?.into_any().unbind()),
            None => Ok(py.None()),
        })
    }
}
