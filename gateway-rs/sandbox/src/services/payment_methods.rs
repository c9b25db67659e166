//! The payment methods that the documentation lists.

use crate::json::{Json, object};

/// Number, name and code of each method, in the order of the documentation's sample.
const METHODS: [(i64, &str, &str); 22] = [
    (12, "ABA PAY", "ABAAKHPP"),
    (13, "ACLEDA Pay", "ACLBKHPP"),
    (16, "AliPay", "ALIPAY"),
    (21, "Bakong KHQR", "KHQR"),
    (26, "BIC Bank", "BIOBKHPP"),
    (27, "Canadia Bank Plc.", "CADIKHPP"),
    (29, "Chip Mong Bank", "CHNOKHPP"),
    (17, "eMoney", "EMONEY"),
    (30, "FTB Bank", "FTCCKHPP"),
    (31, "Google Pay", "GOOGLEPAY"),
    (28, "HATTHA Bank", "HATHKHPP"),
    (11, "KESS PAY", "KESSKH"),
    (24, "KHQR", "KESSKHQR"),
    (25, "PPCBank", "PPCBKHPP"),
    (14, "Sathapana", "SBPLKHPP"),
    (19, "TrueMoney", "TRUEMONEY"),
    (22, "U-Pay", "UPAY"),
    (32, "UnionPay", "UNIONPAY"),
    (20, "Vattanac Bank", "VBLCKHPP"),
    (9, "Visa/Master Card", "VISA_MASTER"),
    (15, "WeChat Pay", "WECHAT"),
    (18, "Wing Bank", "WING"),
];

/// `getpaymentmethods`.
pub(super) fn list() -> Json {
    let rows = METHODS.iter().map(|(id, title, bic)| {
        object! {
            "id": *id,
            "title": *title,
            "img_url": format!("https://sandbox.invalid/{bic}.png"),
            "bic": *bic,
            "storelink": object! { "ios": Json::Null, "android": Json::Null },
        }
    });
    Json::List(rows.collect())
}
