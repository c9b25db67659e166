//! Orders that customers pay: links, codes, cards, and tap to phone.

use super::order::{new_order, view};
use super::order_view::order_info;
use super::{Call, Room};
use crate::json::{Json, object};
use crate::khqr;
use crate::magic::CardOutcome;
use crate::php::Params;
use crate::refusal::{ErrorCode, Refusal};
use crate::settings::{DISPLAY_NAME, MERCHANT, SELLER_CODE};
use crate::world::{Direction, Order, SavedCard, payable};

/// `createOrder`.
pub(super) fn create(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let order = open(room, call, None)?;
    let link = format!("{}/pay/{}", room.base_url, order.token);
    let info = view(room, &order.out_trade_no)?;
    Ok(info.with(vec![("payment_link", link.into())]))
}

/// Puts a new order on the books that waits for its customer.
pub(super) fn open(
    room: &mut Room<'_>,
    call: &Call,
    method: Option<&str>,
) -> Result<Order, Refusal> {
    let currency = call.required("currency")?;
    let amount = call.params.decimal("total_amount").unwrap_or_default();
    if room.world.wallet_of(MERCHANT, currency).is_none() {
        return Err(Refusal::field("currency", "There is no wallet in this currency."));
    }
    if !payable(amount, currency) {
        return Err(Refusal::field("total_amount", "The total_amount must be above zero."));
    }
    if room.world.orders.contains(call.required("out_trade_no")?) {
        return Err(ErrorCode::Duplicated.into());
    }
    let mut order = new_order(room, call, amount, Direction::In)?;
    order.method = method.map(str::to_owned);
    room.world.add_order(order.clone());
    Ok(order)
}

/// `nativePay`.
pub(super) fn native(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let service_code = call.required("service_code")?;
    let order = open(room, call, Some(service_code))?;
    let only_deeplink = matches!(call.params.text("only_deeplink"), Some("1" | "true"));
    let for_ios = matches!(call.params.text("is_ios_device"), Some("1" | "true"));
    let page = format!("{}/pay/{}", room.base_url, order.token);
    let by_link = service_code == "GOOGLEPAY";
    let code = (!only_deeplink && !by_link).then(|| native_code(&order, service_code));
    let deeplink = only_deeplink.then(|| format!("kesspay-sandbox://pay?token={}", order.token));
    Ok(object! {
        "qrcode": code,
        "qrcode_link": (by_link && !only_deeplink).then_some(page),
        "deeplink": deeplink,
        "expires_in": (order.expires_at - room.now) / 1000,
        "for_ios": only_deeplink.then_some(for_ios),
        "brand_logo": format!("https://sandbox.invalid/{service_code}.png"),
        "app_name": "KESSCHAT",
        "service_code": service_code,
        "order_info": view(room, &order.out_trade_no)?,
    })
}

/// The proprietary QR string of KESS PAY: an EMV string whose CRC holds, and no KHQR.
fn native_code(order: &Order, service_code: &str) -> String {
    let mut merchant = String::new();
    khqr::push(&mut merchant, "00", &service_code.chars().take(32).collect::<String>());
    let mut additional = String::new();
    khqr::push(&mut additional, "01", &order.token);
    khqr::push(&mut additional, "03", "test");
    let mut text = String::new();
    khqr::push(&mut text, "00", "01");
    khqr::push(&mut text, "01", "12");
    khqr::push(&mut text, "30", &merchant);
    khqr::push(&mut text, "52", "0000");
    khqr::push(&mut text, "53", if order.currency == "KHR" { "116" } else { "840" });
    khqr::push(&mut text, "54", &order.amount.normalize().to_string());
    khqr::push(&mut text, "58", "KH");
    khqr::push(&mut text, "59", DISPLAY_NAME);
    khqr::push(&mut text, "60", "Phnom Penh");
    khqr::push(&mut text, "62", &additional);
    khqr::close(text)
}

/// `quickpay`: paid at once, unless the code ends in `00`.
pub(super) fn quick(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let service_code = call.required("service_code")?;
    if !matches!(service_code, "WECHAT" | "ALIPAY") {
        return Err(Refusal::field("service_code", "The service_code is WECHAT or ALIPAY."));
    }
    let order = open(room, call, Some(service_code))?;
    if !call.required("auth_code")?.ends_with("00") {
        receive(room, &order.out_trade_no);
    }
    view(room, &order.out_trade_no)
}

/// The customer's money arrives.
pub(super) fn receive(room: &mut Room<'_>, out_trade_no: &str) {
    room.world.book_order(out_trade_no, MERCHANT, room.now);
    room.world.pay(out_trade_no, room.now);
}

/// `directPay`: see [`CardOutcome`] for what the security code brings about.
pub(super) fn direct(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let order = open(room, call, Some("VISA_MASTER"))?;
    let outcome = call.blocks.get("card").map_or(CardOutcome::Confirm, card_outcome);
    let confirm = outcome == CardOutcome::Confirm;
    if !confirm {
        room.world.close(&order.out_trade_no, MERCHANT, room.now);
    }
    let html = confirm.then(|| {
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><title>Process Secure Payment</title></head>\
             <body onload=\"document.echoForm.submit()\"><form name=\"echoForm\" method=\"POST\" \
             action=\"{}/pay/{}\"><noscript><input type=\"submit\" value=\"Click here to \
             continue\"></noscript></form></body></html>",
            room.base_url, order.token
        )
    });
    Ok(object! {
        "required_3ds": confirm,
        "pre_card_input": true,
        "html_confirm_payment": html,
        "order_info": view(room, &order.out_trade_no)?,
    })
}

fn card_outcome(card: &Params) -> CardOutcome {
    CardOutcome::of(card.text("securityCode").unwrap_or_default())
}

/// `kioskCreateOrder`.
pub(super) fn kiosk_create(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let order = open(room, call, None)?;
    Ok(object! {
        "amount": order.amount,
        "fee": 0_i64,
        "total_amount": order.amount,
        "order_ref": room.world.names.digits("order ref", &order.out_trade_no, 12),
        "pre_order_id": &order.token,
        "order_info": kiosk_info(room, &order.out_trade_no)?,
    })
}

/// `confirmKioskOrder`: the card was held to the phone, and the money arrives.
pub(super) fn kiosk_confirm(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let order = room.world.order_by_token(call.required("pre_order_id")?);
    let order = order.cloned().ok_or(ErrorCode::NotFound)?;
    match order.status {
        crate::world::Status::Waiting => receive(room, &order.out_trade_no),
        crate::world::Status::Closed => return Err(ErrorCode::Expired.into()),
        _ => {}
    }
    kiosk_info(room, &order.out_trade_no)
}

fn kiosk_info(room: &Room<'_>, out_trade_no: &str) -> Result<Json, Refusal> {
    let order = room.world.orders.get(out_trade_no).ok_or(ErrorCode::NotFound)?;
    let seller = object! {
        "code": SELLER_CODE,
        "display_name": DISPLAY_NAME,
        "motp_mch_id": "111702",
        "m_id": Json::Null,
    };
    let Json::Object(mut members) = order_info(room, order) else {
        return Err(ErrorCode::SystemError.into());
    };
    for (name, value) in &mut members {
        if *name == "seller" {
            *value = seller.clone();
        }
    }
    members.extend([
        ("version", Json::from("4")),
        ("tip", Json::Null),
        ("bank_ref", Json::Null),
        ("payment_detail", Json::Null),
    ]);
    Ok(Json::Object(members))
}

/// `saveCard`.
pub(super) fn save_card(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let number = room.world.next_number().to_string();
    let token = room.world.names.hex("save card", &number, 24);
    let card = SavedCard {
        token: token.clone(),
        card_token: room.world.names.hex("card token", &number, 32),
        notify_url: call.required("notify_url")?.to_owned(),
        redirect_url: call.params.text("redirect_url").map(str::to_owned),
        saved: false,
    };
    room.world.saved_cards.put(token.clone(), card);
    Ok(object! { "link": format!("{}/spa/inti-card?token={token}", room.base_url) })
}
