//! Refunds of paid orders.

use rust_decimal::Decimal;

use super::order_view::refund_view;
use super::{Call, Room, low_balance};
use crate::clock::Millis;
use crate::json::Json;
use crate::refusal::{ErrorCode, Refusal};
use crate::settings::MERCHANT;
use crate::world::{Direction, Movement, Order, Refund, Status, payable};

/// Methods that can be refunded, and how long the refund stays pending.
const METHODS: [(&str, Millis); 5] =
    [("VISA_MASTER", 0), ("WECHAT", DAY), ("ALIPAY", DAY), ("WING", DAY), ("ACLBKHPP", DAY)];
const DAY: Millis = 86_400_000;

/// `v2Refund`.
pub(super) fn refund(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let out_trade_no = call.required("out_trade_no")?;
    let order = room.world.orders.get(out_trade_no).cloned().ok_or(ErrorCode::NotFound)?;
    let pending = pending_for(&order)?;
    let reference = call.params.text("merchant_reference").map(str::to_owned);
    let used = |refund: &Refund| reference.is_some() && refund.merchant_reference == reference;
    if room.world.refunds.values().any(used) {
        return Err(ErrorCode::Duplicated.into());
    }
    let amount = amount_of(call, &order)?;
    let whole = order.refunded + amount == order.amount;
    let status = match (whole, pending > 0) {
        (true, false) => Status::Refunded,
        (true, true) => Status::PendingRefunded,
        (false, false) => Status::PartialRefunded,
        (false, true) => Status::PendingPartialRefund,
    };
    let key = format!("{out_trade_no}/{}", order.refunds.len());
    let refund = Refund {
        transaction_id: room.world.names.reference("TR", "refund", &key),
        out_trade_no: out_trade_no.to_owned(),
        amount,
        currency: order.currency.clone(),
        status,
        reason: call.required("reason")?.to_owned(),
        merchant_reference: reference,
        callback_url: call.params.text("callback_url").map(str::to_owned),
        final_at: room.now + pending,
    };
    give_back(room, &refund)?;
    if let Some(order) = room.world.orders.get_mut(out_trade_no) {
        order.refunded += amount;
        order.refunds.push(refund.transaction_id.clone());
        order.status = status;
    }
    room.world.look_again(refund.final_at, out_trade_no);
    room.world.refund_notices.push(refund.transaction_id.clone());
    let reply = refund_view(&refund);
    room.world.refunds.put(refund.transaction_id.clone(), refund);
    Ok(reply)
}

/// How long a refund of `order` stays pending; a refusal where it cannot be refunded.
fn pending_for(order: &Order) -> Result<Millis, Refusal> {
    let refused = |why: &str| Err(Refusal::field("out_trade_no", why));
    let paid = matches!(
        order.status,
        Status::Success | Status::PartialRefunded | Status::PendingPartialRefund
    );
    if order.direction == Direction::Out || !paid {
        return refused("The order is not a paid one.");
    }
    let method = order.method.as_deref().unwrap_or_default();
    match METHODS.iter().find(|(name, _)| *name == method) {
        Some((_, pending)) => Ok(*pending),
        None => refused("The order's payment method cannot be refunded."),
    }
}

fn amount_of(call: &Call, order: &Order) -> Result<Decimal, Refusal> {
    let left = order.amount - order.refunded;
    let Some(amount) = call.params.decimal("partial_refund_amount") else {
        return Ok(left);
    };
    let name = "partial_refund_amount";
    if !payable(amount, &order.currency) || amount > left {
        return Err(Refusal::field(name, "The amount is more than what is left of the order."));
    }
    match call.params.text("partial_refund_amount_ccy") {
        Some(currency) if currency == order.currency => Ok(amount),
        _ => {
            let name = "partial_refund_amount_ccy";
            Err(Refusal::field(name, "The currency has to be the order's."))
        }
    }
}

fn give_back(room: &mut Room<'_>, refund: &Refund) -> Result<(), Refusal> {
    let wallet = room.world.wallet_of(MERCHANT, &refund.currency);
    let wallet = wallet.filter(|wallet| wallet.balance >= refund.amount);
    let wallet = wallet.ok_or_else(|| low_balance("partial_refund_amount"))?.id.clone();
    room.world.book(Movement {
        transaction_ref: refund.transaction_id.clone(),
        at: room.now,
        wallet,
        amount: -refund.amount,
        currency: refund.currency.clone(),
        reason: format!("v2_refund {}", refund.out_trade_no),
        debited_user_id: MERCHANT.to_owned(),
        credited_user_id: room.world.names.reference("AU", "outside", &refund.out_trade_no),
    });
    Ok(())
}

/// `queryRefund`, by its own number, the merchant's number, or the order's (the newest then).
pub(super) fn query(room: &Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let (id, reference, order) = (
        call.params.text("transaction_id"),
        call.params.text("merchant_reference"),
        call.params.text("out_trade_no"),
    );
    let latest = order.and_then(|name| room.world.orders.get(name)?.refunds.last());
    let matches = |refund: &&Refund| match (id, reference) {
        (Some(id), _) => refund.transaction_id == id,
        (None, Some(reference)) => refund.merchant_reference.as_deref() == Some(reference),
        (None, None) => Some(&refund.transaction_id) == latest,
    };
    let found = room.world.refunds.values().find(matches);
    found.map(refund_view).ok_or_else(|| ErrorCode::NotFound.into())
}
