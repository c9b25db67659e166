//! Orders as replies show them: `order_info` and what belongs to it.

use super::Room;
use crate::clock::rfc3339;
use crate::json::{Json, object};
use crate::settings::{DISPLAY_NAME, SELLER_CODE};
use crate::world::{Direction, Order, Refund};

/// `order_info`, without the `payment_detail` that not every service shows.
pub(super) fn order_info(room: &Room<'_>, order: &Order) -> Json {
    let refunds = order.refunds.iter().filter_map(|key| room.world.refunds.get(key));
    object! {
        "token": &order.token,
        "out_trade_no": &order.out_trade_no,
        "transaction_id": order.transaction_id.as_ref(),
        "body": &order.body,
        "total_amount": order.signed_amount(),
        "currency": &order.currency,
        "notify_url": order.notify_url.as_ref(),
        "meta": meta(room, order),
        "status": order.status.as_str(),
        "paid_at": order.paid_at.map(rfc3339),
        "settled_at": Json::Null,
        "settlement_date": Json::Null,
        "expired_at": rfc3339(order.expires_at),
        "created_at": rfc3339(order.created_at),
        "detail": Json::List(Vec::new()),
        "seller": object! { "code": SELLER_CODE, "display_name": DISPLAY_NAME },
        "queue_number": format!("{:04}", order.queue),
        "bank_info": Json::List(Vec::new()),
        "refund_histories": refunds.map(refund_view).collect::<Vec<Json>>(),
        "error_logs": Json::List(Vec::new()),
        "card_info": no_card(),
        "wechat_alipay_info": no_wechat(),
    }
}

/// `meta` is null in one reply, a list or an object in another; an order keeps its own shape.
fn meta(room: &Room<'_>, order: &Order) -> Json {
    match room.world.names.number("meta", &order.out_trade_no) % 3 {
        0 => Json::Null,
        1 => Json::List(Vec::new()),
        _ => object! {
            "customer_fees": object! {
                "WECHAT": object! { "fee": 0_i64, "currency": &order.currency },
            },
            "additional": Json::List(Vec::new()),
            "iframe_static_card": Json::Null,
            "merchant_info": Json::List(Vec::new()),
        },
    }
}

fn no_card() -> Json {
    object! {
        "BIN": Json::Null,
        "scheme": Json::Null,
        "card_token": Json::Null,
        "swift_code": Json::Null,
        "card_hashed": Json::Null,
        "holder_name": Json::Null,
        "account_logo": Json::Null,
        "account_name": Json::Null,
        "account_number": Json::Null,
    }
}

fn no_wechat() -> Json {
    object! {
        "openid": Json::Null,
        "service": Json::Null,
        "currency": Json::Null,
        "total_amount": Json::Null,
        "total_amount_cny": Json::Null,
    }
}

/// `payment_detail`: how the order is or was paid; null while nobody knows.
pub(super) fn payment_detail(room: &Room<'_>, order: &Order) -> Json {
    let Some(bic) = &order.method else {
        return Json::Null;
    };
    let id = |kind: &str, key: &str| {
        i64::try_from(room.world.names.number(kind, key) % 10_000).unwrap_or_default()
    };
    let (description, kind, tokenize_id) = match order.direction {
        Direction::Out => (
            "Transfer to customer bank (From Merchant wallet)",
            "tokenize_bank_account",
            Json::Int(id("tokenize", &order.token)),
        ),
        Direction::In => ("Payment by customer", "online", Json::Null),
    };
    object! {
        "id": id("payment", &order.out_trade_no),
        "payer_id": id("payer", &order.out_trade_no),
        "method_id": id("method", bic),
        "tokenize_id": tokenize_id,
        "method_desc": description,
        "holder_name": order.account.as_ref().map(|account| account.holder.clone()),
        "card_info": Json::Null,
        "bank_info": Json::Null,
        "created_at": rfc3339(order.created_at),
        "payment_method_bic": bic,
        "payment_method": object! {
            "id": id("method", bic),
            "title": bic,
            "type": kind,
            "swift_code": bic,
            "activated": 1_i64,
        },
    }
}

/// A row of `refund_histories`, and the answer of the refund services.
pub(super) fn refund_view(refund: &Refund) -> Json {
    object! {
        "amount": refund.amount,
        "currency": &refund.currency,
        "status": refund.status.as_str(),
        "reason": &refund.reason,
        "transaction_id": &refund.transaction_id,
        "rejected_reason": Json::Null,
        "out_trade_no": &refund.out_trade_no,
        "merchant_reference": refund.merchant_reference.as_ref(),
    }
}
