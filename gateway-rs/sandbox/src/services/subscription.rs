//! Subscriptions: services that were only seen in clients, so their replies are the sandbox's own.

use super::order::view;
use super::payment::{open, receive};
use super::{Call, Room};
use crate::clock::{Millis, day, local};
use crate::json::{Json, object};
use crate::refusal::{ErrorCode, Refusal};
use crate::world::{Order, Status, Subscription};

/// `generateSubscriptionLink`: an order whose payment starts the subscription.
pub(super) fn link(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    interval_of(call)?;
    let order = open(room, call, None)?;
    let link = format!("{}/pay/{}", room.base_url, order.token);
    let token = order.token.clone();
    let info = view(room, &order.out_trade_no)?;
    Ok(info.with(vec![("link", link.into()), ("pre_order_token", token.into())]))
}

/// `subscription`: charges the card for the order behind `pre_order_token`, now and from now on.
pub(super) fn subscribe(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let period = interval_of(call)?;
    let order = room.world.order_by_token(call.required("pre_order_token")?);
    let order = order.cloned().ok_or(ErrorCode::NotFound)?;
    if order.status != Status::Waiting {
        return Err(ErrorCode::Duplicated.into());
    }
    if let Some(order) = room.world.orders.get_mut(&order.out_trade_no) {
        order.method = Some("VISA_MASTER".to_owned());
    }
    receive(room, &order.out_trade_no);
    let code = room.world.names.hex("subscription", &order.out_trade_no, 20);
    let subscription = Subscription {
        code: code.clone(),
        out_trade_no: order.out_trade_no,
        holder_name: call.required("holder_name")?.to_owned(),
        interval: call.required("interval")?.to_owned(),
        amount: order.amount,
        currency: order.currency,
        active: true,
        created_at: room.now,
        next_at: room.now + period,
    };
    let reply = subscription_view(&subscription);
    room.world.subscriptions.put(code, subscription);
    Ok(reply)
}

fn interval_of(call: &Call) -> Result<Millis, Refusal> {
    const DAY: Millis = 86_400_000;
    match call.required("interval")? {
        "daily" => Ok(DAY),
        "weekly" => Ok(7 * DAY),
        "monthly" => Ok(30 * DAY),
        _ => Err(Refusal::field("interval", "The interval is daily, weekly or monthly.")),
    }
}

/// `cancelSubscription` and `reActiveSubscription`, which name the code differently.
pub(super) fn set_active(
    room: &mut Room<'_>,
    call: &Call,
    code: &str,
    active: bool,
) -> Result<Json, Refusal> {
    let subscription = room.world.subscriptions.get_mut(call.required(code)?);
    let subscription = subscription.ok_or(ErrorCode::NotFound)?;
    subscription.active = active;
    Ok(subscription_view(subscription))
}

/// `getSubscriptions`.
pub(super) fn list(room: &Room<'_>, call: &Call) -> Json {
    let rows = room.world.subscriptions.values();
    let rows = rows.filter(|subscription| within(call, subscription.created_at));
    Json::List(rows.map(subscription_view).collect())
}

/// `getSubscriptionTrxs`: the payments of subscriptions.
pub(super) fn transactions(room: &Room<'_>, call: &Call) -> Json {
    let code = call.params.text("subscription_code");
    let number = call.params.text("out_trade_no");
    let rows = room
        .world
        .subscriptions
        .values()
        .filter(|row| code.is_none_or(|code| row.code == code))
        .filter(|row| number.is_none_or(|number| row.out_trade_no == number))
        .filter_map(|row| Some((row, room.world.orders.get(&row.out_trade_no)?)))
        .filter(|(_, order)| within(call, order.created_at));
    Json::List(rows.map(|(row, order)| transaction_view(row, order)).collect())
}

fn within(call: &Call, at: Millis) -> bool {
    let day = day(at);
    let after = call.params.text("start_date").is_none_or(|start| *day >= *start);
    after && call.params.text("end_date").is_none_or(|end| *day <= *end)
}

fn subscription_view(row: &Subscription) -> Json {
    object! {
        "code": &row.code,
        "out_trade_no": &row.out_trade_no,
        "holder_name": &row.holder_name,
        "interval": &row.interval,
        "total_amount": row.amount,
        "currency": &row.currency,
        "status": if row.active { "ACTIVE" } else { "CANCELLED" },
        "created_at": local(row.created_at),
        "next_charge_at": local(row.next_at),
    }
}

fn transaction_view(row: &Subscription, order: &Order) -> Json {
    object! {
        "subscription_code": &row.code,
        "out_trade_no": &order.out_trade_no,
        "transaction_id": order.transaction_id.as_ref(),
        "total_amount": order.amount,
        "currency": &order.currency,
        "status": order.status.as_str(),
        "created_at": local(order.created_at),
    }
}
