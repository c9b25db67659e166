//! What the gateway puts into the URL when it sends a payer back to `redirect_url`.
//!
//! **Nothing here is signed.** Whoever can open a browser can write such a URL: it is good for
//! choosing which page to show while `queryOrder` is asked, and never a proof of payment.

use std::fmt;

use serde::Deserialize;

use crate::decode;
use crate::error::{Error, ErrorKind};

/// The parameters of a redirect, unverified.
///
/// ```
/// use kess_gateway::UnverifiedRedirect;
/// let back = UnverifiedRedirect::parse("https://shop.example/back?success=1&out_trade_no=TR-1")?;
/// assert_eq!(back.claims_success, Some(true));
/// assert_eq!(back.out_trade_no.as_deref(), Some("TR-1"), "now query this order");
/// # Ok::<(), kess_gateway::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnverifiedRedirect {
    /// What the URL claims: `success` is `1` or `0`.
    pub claims_success: Option<bool>,
    /// The merchant's order number.
    pub out_trade_no: Option<String>,
    /// The gateway's token of the order.
    pub token: Option<String>,
    /// A text for the payer.
    pub message: Option<String>,
    /// After a failed card payment: why.
    pub pay_response: Option<PayResponse>,
}

/// Why a card payment failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct PayResponse {
    /// Such as `INSUFFICIENT_FUNDS`, `NO_OTP`, `DECLINED`. An open list.
    #[serde(default, rename = "gatewayCode", deserialize_with = "decode::field")]
    pub gateway_code: Option<String>,
    /// The acquirer's words.
    #[serde(default, rename = "acquirerMessage", deserialize_with = "decode::field")]
    pub acquirer_message: Option<String>,
}

impl decode::ReplyObject for PayResponse {
    const NAME: &'static str = "pay_response";
}

impl UnverifiedRedirect {
    /// Reads the parameters from a whole URL, or from its query alone.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] where there is none of the parameters.
    pub fn parse(url: &str) -> Result<UnverifiedRedirect, Error> {
        let query = url.split_once('?').map_or(url, |(_, query)| query);
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        let mut redirect = UnverifiedRedirect::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let text = Some(value.trim().to_owned()).filter(|text| !text.is_empty());
            match key.as_ref() {
                "success" => redirect.claims_success = claim(&value),
                "out_trade_no" => redirect.out_trade_no = text,
                "token" => redirect.token = text,
                "message" => redirect.message = text,
                // Anything but the documented JSON is of no use to a program.
                "pay_response" => {
                    redirect.pay_response = decode::read_json(&value).unwrap_or_default();
                }
                _ => {}
            }
        }
        if redirect == UnverifiedRedirect::default() {
            return Err(Error::new(
                ErrorKind::Decode,
                "this URL has none of the parameters of a redirect",
            ));
        }
        Ok(redirect)
    }
}

fn claim(value: &str) -> Option<bool> {
    match value.trim() {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

impl fmt::Debug for UnverifiedRedirect {
    /// Without the token: with it, anybody can open the payment page.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedRedirect")
            .field("claims_success", &self.claims_success)
            .field("out_trade_no", &self.out_trade_no)
            .field("pay_response", &self.pay_response)
            .finish_non_exhaustive()
    }
}
