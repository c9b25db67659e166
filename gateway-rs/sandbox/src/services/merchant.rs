//! The merchant, its users, its wallets and what moved in them.

use rust_decimal::Decimal;

use super::{Call, Room, low_balance, pages_of};
use crate::clock::{Millis, local};
use crate::json::{Json, object};
use crate::refusal::{ErrorCode, Refusal};
use crate::settings::MERCHANT;
use crate::world::{Movement, User, payable};

/// Rows of a page, where the request does not say.
const PER_PAGE: usize = 15;

/// `merchantinfo`.
pub(super) fn info(room: &Room<'_>) -> Result<Json, Refusal> {
    let user = room.world.users.get(MERCHANT).ok_or(ErrorCode::NotFound)?;
    Ok(user_info(room, user))
}

/// `adduserundermerchant`.
pub(super) fn add_user(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let (phone, email) = (call.required("phone_number")?, call.required("email")?);
    let identity = call.params.text("muser_identity").map(str::to_owned);
    let taken = room.world.users.values().any(|user| {
        user.email == email
            || user.phone_number == phone
            || (identity.is_some() && user.muser_identity == identity)
    });
    if taken {
        return Err(ErrorCode::Duplicated.into());
    }
    let user_id = room.world.names.reference("CU", "user", email);
    let mut wallets = Vec::new();
    for currency in ["USD", "KHR"] {
        let wallet = room.world.new_wallet(&user_id, currency, Decimal::ZERO);
        wallets.push(wallet.id.clone());
        room.world.wallets.put(wallet.id.clone(), wallet);
    }
    let user = User {
        id: 6900 + i64::try_from(room.world.users.len()).unwrap_or_default(),
        user_id: user_id.clone(),
        phone_number: phone.to_owned(),
        email: email.to_owned(),
        full_name: format!("{} {}", call.required("first_name")?, call.required("last_name")?),
        muser_identity: identity,
        created_at: room.now,
        wallets,
    };
    let reply = user_info(room, &user);
    room.world.users.put(user_id, user);
    Ok(reply)
}

/// `getUserUnderMerchant`.
pub(super) fn users(room: &Room<'_>, call: &Call) -> Json {
    let users = room.world.users.values().filter(|user| user.user_id != MERCHANT);
    let rows: Vec<Json> = users.map(|user| user_info(room, user)).collect();
    let page = pages_of(rows, call.params.integer("page"), PER_PAGE);
    object! { "data": page.rows, "current_page": page.current, "last_page": page.last }
}

/// `userprofile`.
pub(super) fn profile(room: &Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let (id, identity) = (call.params.text("user_id"), call.params.text("muser_identity"));
    let mut users = room.world.users.values();
    let found = users.find(|user| {
        id.map_or_else(|| user.muser_identity.as_deref() == identity, |id| user.user_id == id)
    });
    Ok(user_info(room, found.ok_or(ErrorCode::NotFound)?))
}

fn user_info(room: &Room<'_>, user: &User) -> Json {
    let wallet = |id: &String, funds: Option<&str>| {
        let Some(wallet) = room.world.wallets.get(id) else {
            return Json::Null;
        };
        let json = object! {
            "id": &wallet.id,
            "balance": wallet.balance,
            "currency": &wallet.currency,
            "account_number": &wallet.account_number,
        };
        funds.map_or(json.clone(), |funds| json.with(vec![("funds_type", funds.into())]))
    };
    // The dollar wallet stands first, as in the documentation's samples.
    let mut ids: Vec<&String> = user.wallets.iter().collect();
    ids.sort_by_key(|id| room.world.wallets.get(id).map(|wallet| wallet.currency != "USD"));
    let funds = ["DEFAULT", "MAIN"].into_iter().chain(std::iter::repeat("MAIN"));
    let wallets: Vec<Json> =
        ids.iter().zip(funds).map(|(id, funds)| wallet(id, Some(funds))).collect();
    object! {
        "id": user.id,
        "phone_number": &user.phone_number,
        "user_id": &user.user_id,
        "email": &user.email,
        "full_name": &user.full_name,
        "muser_identity": user.muser_identity.as_ref(),
        "created_at": local(user.created_at),
        "wallet": ids.first().map(|id| wallet(id, None)),
        "multi_wallets": wallets,
    }
}

/// `getTxnLists`: the merchant's movements, newest first.
pub(super) fn transactions(room: &Room<'_>, call: &Call) -> Json {
    let own = own_movements(room);
    let total = own.len();
    let page = pages_of((0..total).collect(), call.params.integer("page"), PER_PAGE);
    // Only the rows of the page are written out: a list may be long.
    let rows = page.rows.iter().filter_map(|at| own.get(total - 1 - at));
    let rows: Vec<Json> = rows.map(|movement| transaction_info(room.now, movement)).collect();
    object! { "data": rows, "current_page": page.current, "last_page": page.last }
}

/// `getTxnDetail`.
pub(super) fn transaction(room: &Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let reference = call.required("transaction_ref")?;
    let own = own_movements(room);
    let found = own.iter().find(|movement| movement.transaction_ref == reference);
    Ok(transaction_info(room.now, found.ok_or(ErrorCode::NotFound)?))
}

fn own_movements<'a>(room: &'a Room<'_>) -> Vec<&'a Movement> {
    let own = |movement: &&Movement| {
        room.world.wallets.get(&movement.wallet).is_some_and(|w| w.user_id == MERCHANT)
    };
    room.world.movements.values().filter(own).collect()
}

fn transaction_info(now: Millis, movement: &Movement) -> Json {
    let amount = movement.amount.abs();
    let incoming = movement.amount.is_sign_positive();
    object! {
        "transaction_ref": &movement.transaction_ref,
        "credited_amount": amount,
        "credited_currency": &movement.currency,
        "debited_amount": amount,
        "debited_currency": &movement.currency,
        "fees_amount": 0_i64,
        "transaction_type": if incoming { "in" } else { "out" },
        "fees_ccy": &movement.currency,
        "status": "Succeed",
        "created_at": local(movement.at),
        "debited_user_id": &movement.debited_user_id,
        "credited_user_id": &movement.credited_user_id,
        "readable_created_at": ago(now.saturating_sub(movement.at)),
    }
}

fn ago(millis: Millis) -> String {
    let seconds = millis.max(0) / 1000;
    let units = [(604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute")];
    let unit = units.into_iter().find(|(size, _)| seconds >= *size);
    let (size, name) = unit.unwrap_or((1, "second"));
    let count = seconds / size;
    format!("{count} {name}{} ago", if count == 1 { "" } else { "s" })
}

/// `moneytransfer`: there is no order number, so the same call moves money again.
pub(super) fn transfer(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let currency = call.required("currency")?;
    let amount = call.params.decimal("amount").unwrap_or_default();
    if !payable(amount, currency) {
        return Err(Refusal::field("amount", "The amount must be above zero."));
    }
    let from = room.world.wallets.get(call.required("from_wallet_id")?).cloned();
    let from = from.filter(|wallet| wallet.user_id == MERCHANT).ok_or(ErrorCode::NotFound)?;
    let to = room.world.wallets.get(call.required("to_wallet_id")?).cloned();
    let to = to.ok_or(ErrorCode::NotFound)?;
    if from.currency != currency || to.currency != currency || from.id == to.id {
        return Err(Refusal::field("currency", "The wallets are not two in this currency."));
    }
    if from.balance < amount {
        return Err(low_balance("amount"));
    }
    let number = room.world.next_number().to_string();
    let comment = call.params.text("comment").unwrap_or_default();
    let out = Movement {
        transaction_ref: room.world.names.reference("TR", "transfer", &number),
        at: room.now,
        wallet: from.id,
        amount: -amount,
        currency: currency.to_owned(),
        reason: format!("money_transfer {comment}"),
        debited_user_id: from.user_id,
        credited_user_id: to.user_id,
    };
    room.world.book(out.clone());
    room.world.book(Movement { wallet: to.id, amount, ..out.clone() });
    Ok(object! {
        "transaction_ref": out.transaction_ref,
        "amount": amount,
        "currency": currency,
        "comment": comment,
        "created_at": local(room.now),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_people_say_them() {
        for (seconds, text) in [
            (0, "0 seconds ago"),
            (61, "1 minute ago"),
            (7200, "2 hours ago"),
            (700_000, "1 week ago"),
        ] {
            assert_eq!(ago(seconds * 1000), text);
        }
    }
}
