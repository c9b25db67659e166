//! Orders: new ones, queries, closing.

use rust_decimal::Decimal;

use super::order_view::{order_info, payment_detail};
use super::{Call, Outcome, Room, pages_of};
use crate::clock::day;
use crate::faults::Fault;
use crate::json::{Json, object};
use crate::refusal::{ErrorCode, Refusal};
use crate::settings::{MERCHANT, MissingOrder};
use crate::world::{Direction, Order, Plan, Status};

/// Seconds until an order expires, where the request does not say.
const DEFAULT_EXPIRY: i64 = 1800;

/// An order as a request asks for it: `WAITING`, nothing booked, not on the books yet.
pub(super) fn new_order(
    room: &mut Room<'_>,
    call: &Call,
    amount: Decimal,
    direction: Direction,
) -> Result<Order, Refusal> {
    let out_trade_no = call.required("out_trade_no")?;
    let expires_in = call.params.integer("expires_in").unwrap_or(DEFAULT_EXPIRY);
    // A year is longer than anybody waits, and keeps every sum in range.
    if !(1..=31_536_000).contains(&expires_in) {
        return Err(Refusal::field("expires_in", "The expires_in must be at least 1."));
    }
    let text = |name: &str| call.params.text(name).map(str::to_owned);
    let hidden_until = match room.fault {
        Some(Fault::HiddenAfterBooking(hidden)) => {
            room.now.saturating_add(crate::core::millis(*hidden))
        }
        _ => 0,
    };
    Ok(Order {
        out_trade_no: out_trade_no.to_owned(),
        token: room.world.names.hex("order", out_trade_no, 24),
        direction,
        service: call.service.name.to_owned(),
        status: Status::Waiting,
        amount,
        currency: call.required("currency")?.to_owned(),
        body: text("body").unwrap_or_else(|| "Fund transfer".to_owned()),
        notify_url: text("notify_url"),
        redirect_url: text("redirect_url"),
        created_at: room.now,
        expires_at: room.now + expires_in * 1000,
        paid_at: None,
        transaction_id: None,
        queue: room.world.next_in_queue(&day(room.now)),
        method: None,
        account: None,
        otp: None,
        plan: Plan::Wait,
        queries: 0,
        hidden_until,
        times_booked: 0,
        times_returned: 0,
        refunded: Decimal::ZERO,
        refunds: Vec::new(),
    })
}

/// `queryOrder`.
pub(super) fn query(room: &mut Room<'_>, call: &Call) -> Outcome {
    let out_trade_no = call.params.text("out_trade_no").unwrap_or_default();
    let now = room.now;
    let found = room.world.orders.get(out_trade_no).filter(|order| order.hidden_until <= now);
    let Some(order) = found else {
        return missing(room);
    };
    if order.status == Status::Waiting && order.plan != Plan::Wait {
        follow_plan(room, out_trade_no);
    }
    view(room, out_trade_no).into()
}

fn missing(room: &Room<'_>) -> Outcome {
    match room.settings.missing_order {
        MissingOrder::NotFound => Outcome::Refused(ErrorCode::NotFound.into()),
        MissingOrder::SuccessFalse => Outcome::RefusedAtOk(ErrorCode::NotFound),
        MissingOrder::DataNull => Outcome::Data(Json::Null),
        MissingOrder::DataEmptyList => Outcome::Data(Json::List(Vec::new())),
    }
}

/// Takes the next step of an order whose account scripts what queries find.
fn follow_plan(room: &mut Room<'_>, out_trade_no: &str) {
    let Some(order) = room.world.orders.get_mut(out_trade_no) else {
        return;
    };
    order.queries += 1;
    match order.plan {
        Plan::PaidAfterQueries(needed) if order.queries >= needed => {
            room.world.pay(out_trade_no, room.now);
        }
        Plan::ClosedOnQuery => room.world.close(out_trade_no, MERCHANT, room.now),
        _ => {}
    }
}

/// `closeorder`: closes what still waits, and answers what the order is afterwards.
pub(super) fn close(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let out_trade_no = call.required("out_trade_no")?;
    let order = room.world.orders.get(out_trade_no).ok_or(ErrorCode::NotFound)?;
    if order.status == Status::Waiting {
        room.world.close(out_trade_no, MERCHANT, room.now);
    }
    view(room, out_trade_no)
}

/// `queryorderbydaterange`: the orders of these days (UTC), both included, oldest first.
pub(super) fn range(room: &Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let (start, end) = (call.required("start_date")?, call.required("end_date")?);
    if end < start {
        let sentence = "The end_date must be a date after or equal to start_date.";
        return Err(Refusal::field("end_date", sentence));
    }
    let within = |order: &&Order| {
        let day = day(order.created_at);
        *day >= *start && *day <= *end
    };
    let mut orders: Vec<&Order> = room.world.orders.values().filter(within).collect();
    orders.sort_by_key(|order| (order.created_at, order.queue));
    let per_page = call.params.integer("per_page").unwrap_or(1);
    let page =
        pages_of(orders, call.params.integer("page"), usize::try_from(per_page).unwrap_or(1));
    let items = page.rows.iter().map(|order| {
        order_info(room, order).with(vec![("payment_detail", payment_detail(room, order))])
    });
    Ok(object! {
        "items": items.collect::<Vec<Json>>(),
        "current_page": page.current,
        "last_page": page.last,
        "total": page.total,
        "per_page": per_page,
    })
}

/// An order in full.
pub(super) fn view(room: &Room<'_>, out_trade_no: &str) -> Result<Json, Refusal> {
    let order = room.world.orders.get(out_trade_no).ok_or(ErrorCode::NotFound)?;
    Ok(order_info(room, order).with(vec![("payment_detail", payment_detail(room, order))]))
}
