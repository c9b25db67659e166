//! What needs no gateway: QR texts, redirects, and signing notices for tests.

use kess_gateway::khqr::{self, Khqr};
use kess_gateway::webhook::{sign_form_for_tests, sign_json_for_tests};
use kess_gateway::{SignType, UnverifiedRedirect};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error;
use crate::record::Home;
use crate::value::ToPython;

fn setup(py: Python<'_>) -> impl Fn(kess_gateway::Error) -> PyErr {
    move |error| error::of_setup(py, &error)
}

/// Reads a KHQR text whose checksum holds.
#[pyfunction]
pub(crate) fn parse_khqr<'py>(py: Python<'py>, qr: &str) -> PyResult<Bound<'py, PyAny>> {
    let khqr = Khqr::parse(qr).map_err(setup(py))?;
    let fields = pyo3::types::PyDict::new(py);
    for tag in 0..=99 {
        if let Some(value) = khqr.field(tag) {
            fields.set_item(tag, value)?;
        }
    }
    let values = [
        khqr.bakong_account_id().to_python(py)?,
        khqr.amount().to_python(py)?,
        khqr.currency().to_python(py)?,
        khqr.field(59).map(str::to_owned).to_python(py)?,
        fields.into_any(),
    ];
    Home::Khqr.make(py, "Khqr", values)
}

/// The MD5 of a QR text.
#[pyfunction]
pub(crate) fn khqr_md5(qr: &str) -> String {
    khqr::md5_of(qr)
}

/// Whether the checksum at the end of a QR text holds.
#[pyfunction]
pub(crate) fn crc_holds(qr: &str) -> bool {
    khqr::crc_holds(qr)
}

/// Reads what a payer's browser brings back.
#[pyfunction]
pub(crate) fn parse_redirect<'py>(py: Python<'py>, url: &str) -> PyResult<Bound<'py, PyAny>> {
    let back = UnverifiedRedirect::parse(url).map_err(setup(py))?;
    let pay_response = back.pay_response.unwrap_or_default();
    let values = [
        back.claims_success.to_python(py)?,
        back.out_trade_no.to_python(py)?,
        back.token.to_python(py)?,
        back.message.to_python(py)?,
        pay_response.gateway_code.to_python(py)?,
        pay_response.acquirer_message.to_python(py)?,
    ];
    Home::Redirect.make(py, "UnverifiedRedirect", values)
}

/// A form, signed as the gateway signs a notice.
#[pyfunction]
pub(crate) fn sign_form<'py>(
    py: Python<'py>,
    api_secret: &str,
    sign_type: &str,
    fields: Vec<(String, String)>,
) -> PyResult<Bound<'py, PyBytes>> {
    let sign_type: SignType = sign_type.parse().map_err(setup(py))?;
    let pairs: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Ok(PyBytes::new(py, sign_form_for_tests(api_secret, sign_type, &pairs).as_bytes()))
}

/// A JSON object, signed as the gateway signs a notice.
#[pyfunction]
pub(crate) fn sign_json<'py>(
    py: Python<'py>,
    api_secret: &str,
    sign_type: &str,
    object: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let sign_type: SignType = sign_type.parse().map_err(setup(py))?;
    let signed = sign_json_for_tests(api_secret, sign_type, object)
        .map_err(|_| PyValueError::new_err("a JSON object is needed"))?;
    Ok(PyBytes::new(py, signed.as_bytes()))
}
