//! Bank accounts and withdrawals.
//!
//! Money leaves the wallet when an order is booked, whatever its status, and comes back when it
//! closes unpaid. An order number is booked once, unless the sandbox was told otherwise.

use rust_decimal::Decimal;

use super::order_view::{order_info, payment_detail};
use super::{Call, Outcome, Room, low_balance};
use crate::faults::Fault;
use crate::json::{Json, object};
use crate::magic::{self, AccountMagic};
use crate::refusal::{ErrorCode, Refusal};
use crate::settings::{Duplicates, MERCHANT, OtpPolicy};
use crate::world::{Account, Direction, Order, Otp, Plan, Status, payable};

/// `verifybankaccount`.
pub(super) fn verify(room: &Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let account = look_up(room, call.required("bank_account_number")?, call.required("bic")?)?;
    Ok(object! {
        "owner_name": account.holder,
        "currency": account.currency,
        "account_number": account.number,
    })
}

/// `tokenizebankaccount`.
pub(super) fn tokenize(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let account = look_up(room, call.required("bank_account_number")?, call.required("bic")?)?;
    let key = format!("{}/{}", account.number, account.bic);
    let token = room.world.names.hex("bank token", &key, 49);
    let reply = object! {
        "token": &token,
        "holder_name": &account.holder,
        "account_number": account.masked(),
        "bank_bic": &account.bic,
        "currency": &account.currency,
    };
    room.world.bank_tokens.put(token, account);
    Ok(reply)
}

/// `withdraw`.
pub(super) fn by_token(room: &mut Room<'_>, call: &Call) -> Outcome {
    let paid = call.required("bank_account_token").and_then(|token| {
        let account = room.world.bank_tokens.get(token).cloned();
        let account = account.ok_or(Refusal::from(ErrorCode::NotFound))?;
        pay_out(room, call, account, Route::Token)
    });
    paid.unwrap_or_else(Outcome::Refused)
}

/// `withdrawByBankNumber`.
pub(super) fn by_number(room: &mut Room<'_>, call: &Call) -> Outcome {
    let paid = call.required("bank_account").and_then(|number| {
        let account = look_up(room, number, call.required("bic")?)?;
        pay_out(room, call, account, Route::Number)
    });
    paid.unwrap_or_else(Outcome::Refused)
}

/// Which of the two services pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Token,
    /// Answers without OTP fields, and never asks for one.
    Number,
}

/// The account as the gateway would describe it, after magic and faults.
fn look_up(room: &Room<'_>, number: &str, bic: &str) -> Result<Account, Refusal> {
    let magic = magic::account(number);
    if magic == Some(AccountMagic::Unknown) {
        return Err(ErrorCode::NotFound.into());
    }
    let directory = &room.world.directory;
    let known = directory.get(&format!("{number}/{bic}")).cloned();
    let mut account = known.unwrap_or_else(|| Account {
        number: number.to_owned(),
        bic: bic.to_owned(),
        holder: magic::default_holder(number),
        currency: magic::default_currency(number).to_owned(),
    });
    if magic == Some(AccountMagic::OtherHolder) || room.fault == Some(&Fault::OtherHolder) {
        account.holder = magic::OTHER_HOLDER.to_owned();
    }
    if magic == Some(AccountMagic::OtherCurrency) || room.fault == Some(&Fault::OtherCurrency) {
        let other = if account.currency == "USD" { "KHR" } else { "USD" };
        account.currency = other.to_owned();
    }
    Ok(account)
}

fn pay_out(
    room: &mut Room<'_>,
    call: &Call,
    account: Account,
    route: Route,
) -> Result<Outcome, Refusal> {
    let out_trade_no = call.required("out_trade_no")?;
    let currency = call.required("currency")?;
    let amount = call.params.decimal("total_amount").unwrap_or_default();
    if !payable(amount, currency) {
        return Err(Refusal::field("total_amount", "The total_amount must be above zero."));
    }
    let sends = room.world.count_send(out_trade_no);
    let magic = magic::account(&account.number);
    refuse_before_booking(magic)?;
    if magic == Some(AccountMagic::CutBefore) && sends == 1 {
        return Ok(Outcome::Cut);
    }
    if room.world.orders.contains(out_trade_no) {
        return book_again(room, out_trade_no, route).map(Outcome::Data);
    }
    check_funds(room, currency, amount)?;
    let order = new_order(room, call, account, amount, route)?;
    let (waits, hidden) = (order.otp.is_some() || order.plan_waits(), order.out_trade_no.clone());
    room.world.add_order(order);
    room.world.book_order(&hidden, MERCHANT, room.now);
    if !waits {
        room.world.pay(&hidden, room.now);
    }
    if magic == Some(AccountMagic::PaidButTimedOut) {
        return Err(ErrorCode::GatewayTimeout.into());
    }
    if magic == Some(AccountMagic::CutAfter) && sends == 1 {
        return Ok(Outcome::Cut);
    }
    view(room, out_trade_no, route).map(Outcome::Data)
}

fn refuse_before_booking(magic: Option<AccountMagic>) -> Result<(), Refusal> {
    match magic {
        Some(AccountMagic::LowBalance) => Err(low_balance("total_amount")),
        Some(AccountMagic::Refused) => {
            Err(Refusal::field("bank_account", "The bank account cannot receive transfers."))
        }
        Some(AccountMagic::ProcessFailed) => Err(ErrorCode::ProcessFailed.into()),
        _ => Ok(()),
    }
}

fn check_funds(room: &Room<'_>, currency: &str, amount: Decimal) -> Result<(), Refusal> {
    let wallet = room.world.wallet_of(MERCHANT, currency);
    let wallet =
        wallet.ok_or_else(|| Refusal::field("currency", "There is no wallet in this currency."))?;
    if wallet.balance < amount { Err(low_balance("total_amount")) } else { Ok(()) }
}

/// What a used order number brings: a refusal, or a second booking where that is asked for.
fn book_again(room: &mut Room<'_>, out_trade_no: &str, route: Route) -> Result<Json, Refusal> {
    let open = |order: &&Order| order.direction == Direction::Out && order.status != Status::Closed;
    let order = room.world.orders.get(out_trade_no).filter(open);
    let Some(order) = order.filter(|_| room.settings.duplicates == Duplicates::BookAgain) else {
        return Err(ErrorCode::Duplicated.into());
    };
    check_funds(room, &order.currency, order.amount)?;
    room.world.book_order(out_trade_no, MERCHANT, room.now);
    view(room, out_trade_no, route)
}

fn new_order(
    room: &mut Room<'_>,
    call: &Call,
    account: Account,
    amount: Decimal,
    route: Route,
) -> Result<Order, Refusal> {
    let magic = magic::account(&account.number);
    let out_trade_no = call.required("out_trade_no")?;
    let plan = match magic {
        Some(AccountMagic::PaidLater) => Plan::PaidAfterQueries(2),
        Some(AccountMagic::ClosedLater) => Plan::ClosedOnQuery,
        Some(AccountMagic::NeverPaid) => Plan::PaidAfterQueries(u32::MAX),
        _ => Plan::Wait,
    };
    let mut order = super::order::new_order(room, call, amount, Direction::Out)?;
    order.otp = otp_of(room, magic, route, out_trade_no);
    order.plan = plan;
    order.method = Some(account.bic.clone());
    order.account = Some(account);
    Ok(order)
}

fn otp_of(
    room: &Room<'_>,
    magic: Option<AccountMagic>,
    route: Route,
    out_trade_no: &str,
) -> Option<Otp> {
    let never = magic == Some(AccountMagic::OtpNeverConfirmed)
        || room.fault == Some(&Fault::OtpNeverConfirmed);
    let asked = match room.settings.otp {
        OtpPolicy::Always => true,
        OtpPolicy::Never => false,
        OtpPolicy::ByAccount => never || magic == Some(AccountMagic::Otp),
    };
    let code = room.world.names.digits("otp", out_trade_no, 6);
    (asked && route == Route::Token).then_some(Otp { code, accepted: !never })
}

fn view(room: &Room<'_>, out_trade_no: &str, route: Route) -> Result<Json, Refusal> {
    let order = room.world.orders.get(out_trade_no).ok_or(ErrorCode::NotFound)?;
    let info = order_info(room, order).with(vec![("payment_detail", payment_detail(room, order))]);
    if route == Route::Number {
        return Ok(info);
    }
    let otp = order.otp.is_some() && order.status == Status::Waiting;
    let url = otp.then(|| format!("{}/otp/{}", room.base_url, order.token));
    let holder = order.account.as_ref().map(|account| account.holder.clone());
    Ok(info.with(vec![
        ("receiver_name", holder.into()),
        ("is_required_otp", otp.into()),
        ("verify_otp_url", url.into()),
    ]))
}
