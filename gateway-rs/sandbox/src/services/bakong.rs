//! Bakong: its members, and KHQR strings to make, read and pay.

use md5::{Digest, Md5};

use super::{Call, Room, low_balance};
use crate::clock::local;
use crate::json::{Json, object};
use crate::khqr::{self, Tags};
use crate::refusal::{ErrorCode, Refusal};
use crate::settings::MERCHANT;
use crate::world::{Movement, payable};

/// The Bakong account of every wallet of the sandbox, as in the documentation's sample.
const BAKONG_ID: &str = "khqr@kess";
const BANK: &str = "Kess Innovation Plc";

/// `getbakongmembers`.
pub(super) fn members() -> Json {
    let members = [
        ("ABA Bank", "ABAAKHPP"),
        ("ACLEDA Bank", "ACLBKHPP"),
        ("Canadia Bank", "CADIKHPP"),
        ("Wing Bank", "WING"),
    ];
    let rows = members.iter().zip(1_i64..).map(|((name, bic), id)| {
        object! {
            "id": id,
            "name": *name,
            "bic": *bic,
            "logo": format!("https://sandbox.invalid/{bic}.png"),
            "branch_code": Json::Null,
            "status": "ACTIVE",
            "position": id,
            "payin_rate": 0_i64,
            "payout_rate": 0_i64,
            "is_display_on_app": 1_i64,
        }
    });
    Json::List(rows.collect())
}

/// `generateKhqr`.
pub(super) fn generate(room: &Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let user = room.world.users.get(call.required("user_id")?).ok_or(ErrorCode::NotFound)?;
    let wallet = room.world.wallets.get(call.required("wallet_ref")?);
    let wallet = wallet.filter(|w| w.user_id == user.user_id).ok_or(ErrorCode::NotFound)?;
    let amount = call.params.decimal("amount").unwrap_or_default();
    if !amount.is_zero() && !payable(amount, &wallet.currency) {
        return Err(Refusal::field("amount", "The amount does not fit the wallet's currency."));
    }
    let mut account = String::new();
    khqr::push(&mut account, "00", BAKONG_ID);
    khqr::push(&mut account, "01", &wallet.account_number);
    khqr::push(&mut account, "02", BANK);
    let mut text = String::new();
    khqr::push(&mut text, "00", "01");
    khqr::push(&mut text, "01", if amount.is_zero() { "11" } else { "12" });
    khqr::push(&mut text, "29", &account);
    khqr::push(&mut text, "52", "5999");
    khqr::push(&mut text, "53", if wallet.currency == "KHR" { "116" } else { "840" });
    if !amount.is_zero() {
        khqr::push(&mut text, "54", &amount.normalize().to_string());
    }
    khqr::push(&mut text, "58", "KH");
    let name: String = user.full_name.chars().take(25).collect();
    khqr::push(&mut text, "59", &name);
    khqr::push(&mut text, "60", "Phnom Penh");
    let mut additional = String::new();
    khqr::push(&mut additional, "02", &user.phone_number.chars().take(25).collect::<String>());
    khqr::push(&mut text, "62", &additional);
    let mut stamp = String::new();
    khqr::push(&mut stamp, "00", &room.now.to_string());
    khqr::push(&mut text, "99", &stamp);
    let text = khqr::close(text);
    let md5 = hex::encode(Md5::digest(&text));
    Ok(object! { "qr_string": text, "md5": md5 })
}

/// `decodeKhqr`.
pub(super) fn decode(call: &Call) -> Result<Json, Refusal> {
    let tags = read(call)?;
    let kind = if tags.get("30").is_some() { "30" } else { "29" };
    Ok(object! {
        "merchantType": kind,
        "bakongAccountID": tags.beneath(kind, "00"),
        "accountInformation": if kind == "29" { tags.beneath(kind, "01") } else { None },
        "merchantID": if kind == "30" { tags.beneath(kind, "01") } else { None },
        "acquiringBank": tags.beneath(kind, "02"),
        "billNumber": tags.beneath("62", "01"),
        "mobileNumber": tags.beneath("62", "02"),
        "storeLabel": tags.beneath("62", "03"),
        "terminalLabel": tags.beneath("62", "07"),
        "purposeOfTransaction": tags.beneath("62", "08"),
        "languagePreference": tags.beneath("64", "00"),
        "merchantNameAlternateLanguage": tags.beneath("64", "01"),
        "merchantCityAlternateLanguage": tags.beneath("64", "02"),
        "payloadFormatIndicator": tags.get("00"),
        "pointofInitiationMethod": tags.get("01"),
        "unionPayMerchant": tags.get("15"),
        "merchantCategoryCode": tags.get("52"),
        "transactionCurrency": currency_of(&tags).map(str::to_lowercase),
        "transactionAmount": tags.get("54"),
        "countryCode": tags.get("58"),
        "merchantName": tags.get("59"),
        "merchantCity": tags.get("60"),
        "timestamp": tags.get("99"),
        "crc": tags.get("63"),
    })
}

/// `payKhqr`: there is no order number, so the same call pays again.
pub(super) fn pay(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let tags = read(call)?;
    let currency = call.required("currency")?;
    let amount = call.params.decimal("amount").unwrap_or_default();
    if !payable(amount, currency) {
        return Err(Refusal::field("amount", "The amount must be above zero."));
    }
    let asked = tags.get("54").and_then(|text| text.parse().ok());
    if asked.is_some_and(|asked: rust_decimal::Decimal| asked != amount) {
        return Err(Refusal::field("amount", "The amount is not the one of the QR code."));
    }
    let wallet = room.world.wallet_of(MERCHANT, currency).cloned();
    let wallet =
        wallet.ok_or_else(|| Refusal::field("currency", "There is no wallet in this currency."))?;
    if wallet.balance < amount {
        return Err(low_balance("amount"));
    }
    let account = tags.beneath("29", "01").or(tags.beneath("30", "01")).unwrap_or_default();
    let receiver = room.world.wallets.values().find(|w| w.account_number == account).cloned();
    let number = room.world.next_number().to_string();
    let out = Movement {
        transaction_ref: room.world.names.reference("TR", "khqr", &number),
        at: room.now,
        wallet: wallet.id,
        amount: -amount,
        currency: currency.to_owned(),
        reason: format!("pay_khqr {}", call.params.text("remark").unwrap_or_default()),
        debited_user_id: MERCHANT.to_owned(),
        credited_user_id: receiver.as_ref().map(|w| w.user_id.clone()).unwrap_or_default(),
    };
    room.world.book(out.clone());
    if let Some(receiver) = receiver.filter(|receiver| receiver.currency == currency) {
        room.world.book(Movement { wallet: receiver.id, amount, ..out.clone() });
    }
    // The documentation shows the number in the sample and the word in the table.
    let paid = if room.world.names.number("khqr status", &number).is_multiple_of(2) {
        Json::Int(1)
    } else {
        Json::from("SUCCEEDED")
    };
    Ok(object! {
        "transaction_ref": out.transaction_ref,
        "receiver_info": object! {
            "receiver_name": tags.get("59"),
            "receiver_bank": tags.beneath("29", "02").or(tags.beneath("30", "02")),
            "receiver_bakong_id": tags.beneath("29", "00").or(tags.beneath("30", "00")),
            "receiver_acc_info": account,
        },
        "status": paid,
        "currency": currency,
        "amount": amount.normalize().to_string(),
        "created_at": local(room.now),
    })
}

fn read(call: &Call) -> Result<Tags<'_>, Refusal> {
    let wrong = || Refusal::field("qrcode", "The qrcode is not a valid KHQR.");
    Tags::read(call.required("qrcode")?).ok_or_else(wrong)
}

fn currency_of(tags: &Tags<'_>) -> Option<&'static str> {
    match tags.get("53")? {
        "840" => Some("USD"),
        "116" => Some("KHR"),
        _ => None,
    }
}
