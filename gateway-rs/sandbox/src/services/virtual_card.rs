//! Virtual cards. Their numbers are ones that card schemes publish for tests.

use rust_decimal::Decimal;

use super::{Call, Room, low_balance};
use crate::clock::card_expiry;
use crate::json::{Json, object};
use crate::refusal::{ErrorCode, Refusal};
use crate::settings::MERCHANT;
use crate::world::{Movement, VirtualCard, payable};

const TEST_NUMBERS: [&str; 5] = [
    "5555555555554444",
    "5105105105105100",
    "2223003122003222",
    "4111111111111111",
    "4012888888881881",
];
/// A report ends here, whatever `max_trans` is.
const LONGEST_REPORT: i64 = 1000;

/// `createVirtualCard`: the cumulative limit leaves the wallet and is what the card can spend.
pub(super) fn create(room: &mut Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let currency = call.required("currency")?;
    let limit = call.params.decimal("cumulative_limit").unwrap_or_default();
    let trans_limit_amount = call.params.decimal("trans_limit_amount").unwrap_or_default();
    for (name, amount) in [("cumulative_limit", limit), ("trans_limit_amount", trans_limit_amount)]
    {
        if !payable(amount, currency) {
            return Err(Refusal::field(name, format!("The {name} must be above zero.")));
        }
    }
    let max_trans = call.params.integer("max_trans").filter(|count| *count > 0);
    let max_trans = max_trans
        .ok_or_else(|| Refusal::field("max_trans", "The max_trans must be at least 1."))?;
    let wallet = match call.params.text("wallet_id") {
        Some(id) => room.world.wallets.get(id),
        None => room.world.wallet_of(MERCHANT, currency),
    };
    let wallet = wallet.filter(|w| w.user_id == MERCHANT && w.currency == currency).cloned();
    let wallet =
        wallet.ok_or_else(|| Refusal::field("currency", "There is no wallet in this currency."))?;
    if wallet.balance < limit {
        return Err(low_balance("cumulative_limit"));
    }
    let number = room.world.next_number().to_string();
    let id = room.world.names.digits("virtual card", &number, 8);
    room.world.book(Movement {
        transaction_ref: room.world.names.reference("TR", "virtual card", &number),
        at: room.now,
        wallet: wallet.id,
        amount: -limit,
        currency: currency.to_owned(),
        reason: format!("create_virtual_card {id}"),
        debited_user_id: MERCHANT.to_owned(),
        credited_user_id: id.clone(),
    });
    let card = VirtualCard {
        purchase_request_id: id.clone(),
        pan: TEST_NUMBERS[room.world.virtual_cards.len() % TEST_NUMBERS.len()].to_owned(),
        expiry: card_expiry(room.now, call.params.integer("valid_for").unwrap_or(12)),
        avv: room.world.names.digits("avv", &number, 3),
        currency: currency.to_owned(),
        user_id: MERCHANT.to_owned(),
        max_trans,
        trans_limit_amount,
        available_balance: limit,
        created_at: room.now,
    };
    let reply = card_view(&card);
    room.world.virtual_cards.put(id, card);
    Ok(reply)
}

/// `getVirtualCards`.
pub(super) fn list(room: &Room<'_>, call: &Call) -> Json {
    let owner = call.params.text("user_id");
    let mut cards: Vec<&VirtualCard> = room
        .world
        .virtual_cards
        .values()
        .filter(|card| owner.is_none_or(|owner| card.user_id == owner))
        .collect();
    cards.sort_by_key(|card| card.created_at);
    let rows = cards.into_iter().map(|card| {
        object! {
            "purchase_req_id": &card.purchase_request_id,
            "pan": &card.pan,
            "expiry": &card.expiry,
            "avv": &card.avv,
            "currency": &card.currency,
            "status": 1_i64,
        }
    });
    Json::List(rows.collect())
}

/// `getVirtualCardBalance`.
pub(super) fn balance(room: &Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let card = find(room, call)?;
    Ok(object! {
        "purchaseRequestId": &card.purchase_request_id,
        "availableBalance": card.available_balance,
    })
}

/// `getVirtualCardDetail`.
pub(super) fn detail(room: &Room<'_>, call: &Call) -> Result<Json, Refusal> {
    Ok(card_view(find(room, call)?))
}

/// `getVirtualCardReport`: as many small authorisations as the card allows, from `from` up to but
/// without `to`.
pub(super) fn report(room: &Room<'_>, call: &Call) -> Result<Json, Refusal> {
    let card = find(room, call)?;
    let total = card.max_trans.min(LONGEST_REPORT);
    let from = call.params.integer("from").unwrap_or_default();
    let to = call.params.integer("to").unwrap_or_default();
    if to < from {
        return Err(Refusal::field("to", "The to must be at least from."));
    }
    let rows = (from.min(total)..to.min(total)).map(|number| transaction_view(card, number));
    Ok(object! {
        "reportStatus": "Completed",
        "from": from,
        "to": to,
        "hasMore": to < total,
        "tranInfos": rows.collect::<Vec<Json>>(),
    })
}

fn find<'a>(room: &'a Room<'_>, call: &Call) -> Result<&'a VirtualCard, Refusal> {
    let card = room.world.virtual_cards.get(call.required("purchase_req_id")?);
    card.ok_or_else(|| ErrorCode::NotFound.into())
}

fn card_view(card: &VirtualCard) -> Json {
    object! {
        "purchaseRequestId": &card.purchase_request_id,
        "velocityControl": object! {
            "maxTrans": card.max_trans,
            "availableBalance": card.available_balance,
            "currency": &card.currency,
        },
        "transactionLimitControl": object! { "amount": card.trans_limit_amount },
        "vcnInformation": object! {
            "pan": &card.pan,
            "expiry": &card.expiry,
            "avv": &card.avv,
        },
    }
}

fn transaction_view(card: &VirtualCard, number: i64) -> Json {
    let name = if card.currency == "KHR" { "RIEL" } else { "U.S. DOLLAR" };
    let amount = if card.currency == "KHR" { Decimal::ONE_HUNDRED } else { Decimal::new(1, 2) };
    object! {
        "purchaseRequestId": card.purchase_request_id.parse::<i64>().unwrap_or_default(),
        "realCardAlias": "Sandbox Shop",
        "realCardNumber": "XXXX-XXXX-XXXX-4358",
        "virtualCardNumber": format!("XXXX-XXXX-XXXX-{}", &card.pan[12..]),
        "vcnExpiry": &card.expiry,
        "requestorName": "system",
        "billingAmount": amount,
        "billingCurrencyCode": &card.currency,
        "billingCurrencyCodeDescription": name,
        "merchantAmount": amount,
        "merchantCurrencyCode": &card.currency,
        "merchantCurrencyCodeDescription": name,
        "txnExchangeRate": Json::Null,
        "txnDateTime": "02-05",
        "txnDateTimeWithTime": format!("02-05T08:{:02}:{:02}.000Z", number / 60 % 60, number % 60),
        "txnType": "Authorization",
        "txnSubType": "PreAuth",
        "txnEnvironment": "ECOM",
        "issuerResponse": "Approved or completed successfully",
        "avsResponseCode": Json::Null,
        "inControlResponse": "Approval",
        "mcc": "4121",
        "mccDescription": "LIMOUSINES AND TAXICABS",
        "merchantId": "000000027000026",
        "merchantName": "Sandbox Phnom Penh KHM",
        "merchantCity": Json::Null,
        "merchantState": Json::Null,
        "merchantCountryCode": "116",
        "merchantCountry": "CAMBODIA",
        "acquirerICA": "023177",
        "processorICA": "004601",
        "terminalId": "27000026",
        "settled": "Unsettled",
        "incontrolIssuerId": "1155",
        "companyName": "Sandbox Bank PLC.",
        "companyNumber": "001712101",
    }
}
