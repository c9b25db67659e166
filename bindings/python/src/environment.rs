//! Client and engine out of the configuration that the `payout` command reads: environment and
//! payout.toml.

use payout_engine::config::Config;
use pyo3::prelude::*;

use crate::client::Gateway;
use crate::engine::Engine;
use crate::error::IntoPyErr;

/// The gateway that the configuration names. Everything that is missing is told at once.
#[pyfunction]
pub(crate) fn client_from_env(py: Python<'_>) -> PyResult<Gateway> {
    let client = Config::load(None).and_then(|config| config.client());
    client.map(Gateway::of).map_err(|error| error.into_py_err(py))
}

/// The engine that the configuration names: store, patience, and the gateway's client.
#[pyfunction]
pub(crate) fn engine_from_env(py: Python<'_>) -> PyResult<Engine> {
    let engine = Config::load(None)
        .and_then(|config| Engine::of(config.store_url(), Some(config.client()?), config.policy()));
    engine.map_err(|error| error.into_py_err(py))
}
