//! What needs no gateway: QR texts, and what a payer's browser brings back.

use std::collections::HashMap;

use kess_gateway::Amount;
use kess_gateway::khqr::{self, Khqr};

use crate::convert::Sensitive;
use crate::failure::CallError;

/// The fields of a KHQR whose checksum holds.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct KhqrFields {
    /// The Bakong account that is paid.
    pub bakong_account_id: Option<Sensitive>,
    /// The amount, if the QR fixes one.
    pub amount: Option<Amount>,
    /// The currency, if it is one of the gateway's two.
    pub currency: Option<String>,
    /// The merchant's name.
    pub merchant_name: Option<Sensitive>,
    /// All fields by their tag.
    pub fields: HashMap<u8, Sensitive>,
}

/// Reads a KHQR text whose checksum holds.
#[uniffi::export]
pub fn parse_khqr(qr: Sensitive) -> Result<KhqrFields, CallError> {
    let khqr = Khqr::parse(qr.expose())?;
    let fields = (0..=99).filter_map(|tag| Some((tag, khqr.field(tag)?.into())));
    Ok(KhqrFields {
        bakong_account_id: khqr.bakong_account_id().map(Sensitive::from),
        amount: khqr.amount(),
        currency: khqr.currency().map(|currency| currency.as_str().to_owned()),
        merchant_name: khqr.field(59).map(Sensitive::from),
        fields: fields.collect(),
    })
}

/// The MD5 of a QR text, by which the gateway answers what became of it.
#[uniffi::export]
pub fn khqr_md5(qr: Sensitive) -> String {
    khqr::md5_of(qr.expose())
}

/// What the gateway puts into the address when it sends a payer back. **Nothing of it is signed**:
/// it is good for choosing a page while the order is queried, and proves no payment.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct UnverifiedRedirect {
    /// What the address claims.
    pub claims_success: Option<bool>,
    /// The merchant's order number.
    pub out_trade_no: Option<String>,
    /// The gateway's token of the order.
    pub token: Option<Sensitive>,
    /// A text for the payer.
    pub message: Option<String>,
    /// Why a card payment failed, such as `INSUFFICIENT_FUNDS`.
    pub gateway_code: Option<String>,
    /// The acquirer's words for it.
    pub acquirer_message: Option<String>,
}

/// Reads the address to which a payer was sent back, or the query of it.
#[uniffi::export]
pub fn parse_redirect(url: Sensitive) -> Result<UnverifiedRedirect, CallError> {
    let back = kess_gateway::UnverifiedRedirect::parse(url.expose())?;
    let response = back.pay_response.unwrap_or_default();
    Ok(UnverifiedRedirect {
        claims_success: back.claims_success,
        out_trade_no: back.out_trade_no,
        token: back.token.map(Sensitive::from),
        message: back.message,
        gateway_code: response.gateway_code,
        acquirer_message: response.acquirer_message,
    })
}
