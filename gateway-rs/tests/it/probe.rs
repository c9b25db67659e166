//! The smallest operation of each effect, to see how the runtime treats it.

use kess_gateway::{Effect, Encoder, Idempotency, Operation, OperationMeta, ReplyObject, decode};
use serde::{Deserialize, Serialize};

/// What every probe answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Thing {
    #[serde(deserialize_with = "decode::field")]
    pub(crate) id: String,
}

impl ReplyObject for Thing {
    const NAME: &'static str = "thing";
}

macro_rules! probe {
    ($name:ident, $effect:expr, $idempotency:expr) => {
        #[derive(Clone, Debug)]
        pub(crate) struct $name;

        impl Operation for $name {
            type Reply = Thing;
            const META: OperationMeta = OperationMeta {
                service: "webpay.acquire.probe",
                name: "probe",
                effect: $effect,
                idempotency: $idempotency,
                one_of: &[],
            };

            fn encode(&self, out: &mut Encoder<'_>) {
                out.seller_code(None);
                out.service();
                out.sign_type();
            }
        }
    };
}

probe!(Read, Effect::Read, Idempotency::None);
probe!(Write, Effect::Write, Idempotency::None);
probe!(Withdraw, Effect::Money, Idempotency::OutTradeNo);
probe!(Transfer, Effect::Money, Idempotency::None);
