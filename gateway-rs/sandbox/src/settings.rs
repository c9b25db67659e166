//! What a sandbox is set up with: the choices behind [`SandboxBuilder`](crate::SandboxBuilder).

use std::time::Duration;

use crate::names::Names;

/// When a withdrawal needs a one-time password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OtpPolicy {
    /// As the account's ending asks for, see [`magic`](crate::magic).
    #[default]
    ByAccount,
    /// Every withdrawal by token.
    Always,
    /// None at all.
    Never,
}

/// What becomes of a withdrawal under an order number that was used before. The documentation
/// does not say for certain, so a client has to be right either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Duplicates {
    /// 409 `DUPLICATED`.
    #[default]
    Refuse,
    /// The money goes out a second time, which the ledger shows as `times_booked`.
    BookAgain,
}

/// How `queryOrder` says that there is no such order. The documentation does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingOrder {
    /// 404 `NOT_FOUND`.
    #[default]
    NotFound,
    /// The same refusal at HTTP 200.
    SuccessFalse,
    /// Success with `data: null`.
    DataNull,
    /// Success with `data: []`.
    DataEmptyList,
}

/// The shape of a refusal. No captured one is public, so a client has to read them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorShape {
    /// The table's HTTP status, `code` and `message` beside `success`.
    #[default]
    Flat,
    /// The table's HTTP status, `error: {code, message}`.
    Nested,
    /// HTTP 200 with `success:false`, `error_code` and `msg`.
    SuccessFalse,
}

/// What the signature of a reply covers. The documentation does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReplySignature {
    /// The scalars at the root of `data`.
    #[default]
    Data,
    /// Those and `sign_type`.
    DataAndSignType,
    /// The scalars of the envelope.
    Envelope,
}

/// What a client has to know to talk to the sandbox. Made up from the seed; they open nothing else.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// OAuth client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// OAuth user.
    pub username: String,
    /// Its password.
    pub password: String,
    /// The secret that requests are signed with.
    pub api_secret: String,
    /// The merchant.
    pub seller_code: String,
    /// The merchant's public key for sealing, SPKI PEM.
    pub public_key_pem: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = f.debug_struct("Credentials");
        text.field("client_id", &self.client_id).field("seller_code", &self.seller_code);
        text.finish_non_exhaustive()
    }
}

impl Credentials {
    pub(crate) fn new(names: Names, public_key_pem: String) -> Self {
        Self {
            client_id: "sandbox-client".to_owned(),
            client_secret: names.hex("client secret", "", 40),
            username: "merchant@sandbox.test".to_owned(),
            password: names.hex("password", "", 24),
            api_secret: names.hex("api secret", "", 32),
            seller_code: SELLER_CODE.to_owned(),
            public_key_pem,
        }
    }
}

/// The seller code of the merchant, as the documentation's tables have it.
pub(crate) const SELLER_CODE: &str = "CU2501-101139033689723677";
/// The merchant's user.
pub(crate) const MERCHANT: &str = "CU2501-101139033689723678";
/// The merchant's name where an order shows it.
pub(crate) const DISPLAY_NAME: &str = "Sandbox Merchant";

/// The choices that handlers look at.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) token_lifetime: Duration,
    pub(crate) otp: OtpPolicy,
    pub(crate) duplicates: Duplicates,
    pub(crate) missing_order: MissingOrder,
    pub(crate) error_shape: ErrorShape,
    pub(crate) reply_signature: ReplySignature,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token_lifetime: Duration::from_secs(1800),
            otp: OtpPolicy::default(),
            duplicates: Duplicates::default(),
            missing_order: MissingOrder::default(),
            error_shape: ErrorShape::default(),
            reply_signature: ReplySignature::default(),
        }
    }
}
