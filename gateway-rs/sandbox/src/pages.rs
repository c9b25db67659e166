//! Pages for people: a withdrawal's one-time password, paying an order, saving a card.

use crate::core::Core;
use crate::outbox;
use crate::refusal::Refusal;
use crate::services;
use crate::settings::MERCHANT;
use crate::wire::Wire;
use crate::world::{Direction, Order, SavedCard, Status};

/// `GET /otp/{token}`.
pub(crate) fn otp(core: &Core, token: &str) -> Wire {
    let order = match find(core, token) {
        Ok(order) => order,
        Err(wire) => return wire,
    };
    otp_page(200, &order, None)
}

/// `POST /otp/{token}` with the form field `code`.
pub(crate) fn confirm_otp(core: &Core, token: &str, body: &[u8]) -> Wire {
    let given = form_urlencoded::parse(body).find(|(name, _)| name == "code");
    let given = given.map(|(_, code)| code.trim().to_owned()).unwrap_or_default();
    let confirmed = core.with_world(|world, now| {
        let order = world.order_by_token(token)?;
        let otp = order.otp.as_ref()?;
        let right = order.status == Status::Waiting && otp.accepted && otp.code == given;
        let out_trade_no = order.out_trade_no.clone();
        if right {
            world.pay(&out_trade_no, now);
        }
        world.orders.get(&out_trade_no).cloned().map(|order| (right, order))
    });
    match confirmed {
        Ok(Some((true, order))) => otp_page(200, &order, None),
        Ok(Some((false, order))) => otp_page(422, &order, Some("This code is not right.")),
        Ok(None) => not_found(),
        Err(refusal) => broken(&refusal),
    }
}

fn find(core: &Core, token: &str) -> Result<Order, Wire> {
    let found = core.with_world(|world, _| world.order_by_token(token).cloned());
    let found = found.map_err(|refusal| broken(&refusal))?;
    found.filter(|order| order.otp.is_some()).ok_or_else(not_found)
}

fn otp_page(status: u16, order: &Order, problem: Option<&str>) -> Wire {
    let amount = format!("{} {}", order.amount, order.currency);
    let account = order.account.as_ref().map(|account| account.masked()).unwrap_or_default();
    let what = format!(
        "<p>Withdrawal <b>{}</b>: {} to account {}.</p>",
        escape(&order.out_trade_no),
        escape(&amount),
        escape(&account),
    );
    let problem = problem.map_or_else(String::new, |problem| {
        format!("<p role=\"alert\" id=\"problem\">{}</p>", escape(problem))
    });
    let rest = match (order.status, &order.otp) {
        (Status::Waiting, Some(otp)) => format!(
            "{problem}<form method=\"post\"><label for=\"code\">One-time password</label> \
             <input id=\"code\" name=\"code\" inputmode=\"numeric\" pattern=\"[0-9]{{6}}\" \
             maxlength=\"6\" autocomplete=\"one-time-code\" required autofocus> \
             <button type=\"submit\">Confirm</button></form>\
             <p>This is a sandbox. Your code is <output id=\"sandbox-code\">{}</output>.</p>",
            otp.code
        ),
        (Status::Success, _) => "<p role=\"status\">Confirmed. The money is on its way.</p>".into(),
        _ => "<p role=\"status\">This withdrawal is closed. Nothing was paid.</p>".into(),
    };
    Wire::html(status, page("Confirm a withdrawal", &format!("{what}{rest}")))
}

/// `GET /pay/{token}`, and `GET /ccpay/{token}` for a saved card.
pub(crate) fn pay(core: &Core, token: &str) -> Wire {
    match find_payment(core, token) {
        Ok(order) => pay_page(&order),
        Err(wire) => wire,
    }
}

/// `POST /pay/{token}`: pays, or declines where the form says `outcome=decline`.
pub(crate) fn confirm_payment(core: &Core, token: &str, body: &[u8]) -> Wire {
    let declined =
        form_urlencoded::parse(body).any(|(name, value)| name == "outcome" && value == "decline");
    settle_payment(core, token, declined)
}

/// `POST /ccpay/{token}?card_token=...`: pays with a saved card.
pub(crate) fn pay_with_saved_card(core: &Core, token: &str, query: &str) -> Wire {
    let given = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "card_token");
    let given = given.map(|(_, value)| value.into_owned()).unwrap_or_default();
    let known = core.with_world(|world, _| {
        world.saved_cards.values().any(|card| card.saved && card.card_token == given)
    });
    match known {
        Ok(known) => settle_payment(core, token, !known),
        Err(refusal) => broken(&refusal),
    }
}

fn find_payment(core: &Core, token: &str) -> Result<Order, Wire> {
    let found = core.with_world(|world, _| world.order_by_token(token).cloned());
    let found = found.map_err(|refusal| broken(&refusal))?;
    found.filter(|order| order.direction == Direction::In).ok_or_else(not_found)
}

fn settle_payment(core: &Core, token: &str, declined: bool) -> Wire {
    let waiting = match find_payment(core, token) {
        Ok(order) => order.status == Status::Waiting,
        Err(wire) => return wire,
    };
    let settled = core.in_room(|room| {
        let order = room.world.order_by_token(token).cloned()?;
        if waiting && order.status == Status::Waiting {
            if declined {
                room.world.close(&order.out_trade_no, MERCHANT, room.now);
            } else {
                services::pay_order(room, &order.out_trade_no, "VISA_MASTER");
            }
        }
        room.world.orders.get(&order.out_trade_no).cloned()
    });
    match settled {
        Ok(Some(order)) => match redirect_of(&order) {
            Some(location) => Wire::redirect(location),
            None => pay_page(&order),
        },
        Ok(None) => not_found(),
        Err(refusal) => broken(&refusal),
    }
}

/// Where the customer's browser goes after paying, with the documented parameters.
fn redirect_of(order: &Order) -> Option<String> {
    let url = order.redirect_url.as_deref()?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    let paid = order.status == Status::Success;
    query.append_pair("success", if paid { "1" } else { "0" });
    query.append_pair("token", &order.token);
    query.append_pair("out_trade_no", &order.out_trade_no);
    query.append_pair("message", if paid { "Payment Successful!" } else { "Payment Failed!" });
    if !paid {
        let declined =
            r#"{"gatewayCode":"DECLINED","acquirerMessage":"Payment was declined by issuer"}"#;
        query.append_pair("pay_response", declined);
    }
    let joint = if url.contains('?') { '&' } else { '?' };
    Some(format!("{url}{joint}{}", query.finish()))
}

fn pay_page(order: &Order) -> Wire {
    let what = format!(
        "<p>{}: <b>{} {}</b></p>",
        escape(&order.body),
        escape(&order.amount.to_string()),
        escape(&order.currency),
    );
    let rest = match order.status {
        Status::Waiting => {
            "<form method=\"post\"><button name=\"outcome\" value=\"pay\">Pay</button> \
             <button name=\"outcome\" value=\"decline\">Decline</button></form>\
             <p>This is a sandbox. No money moves.</p>"
        }
        Status::Closed => "<p role=\"status\">This order is closed. Nothing was paid.</p>",
        _ => "<p role=\"status\">Paid. Thank you.</p>",
    };
    Wire::html(200, page("Pay an order", &format!("{what}{rest}")))
}

/// `GET /spa/inti-card?token=...`, spelt as the documentation spells it.
pub(crate) fn card(core: &Core, query: &str) -> Wire {
    match find_card(core, query) {
        Ok(card) => card_page(&card),
        Err(wire) => wire,
    }
}

/// `POST /spa/inti-card?token=...`: saves a test card and sends its token to the merchant.
pub(crate) fn save_card(core: &Core, query: &str) -> Wire {
    let card = match find_card(core, query) {
        Ok(card) => card,
        Err(wire) => return wire,
    };
    let saved = core.with_world(|world, now| {
        let card = world.saved_cards.get_mut(&card.token)?;
        let first = !card.saved;
        card.saved = true;
        if first {
            core.outbox.post(Some(outbox::card_notice(card, &core.credentials, now)));
        }
        Some(card.clone())
    });
    match saved {
        Ok(Some(card)) => match &card.redirect_url {
            Some(url) => Wire::redirect(url.clone()),
            None => card_page(&card),
        },
        Ok(None) => not_found(),
        Err(refusal) => broken(&refusal),
    }
}

fn find_card(core: &Core, query: &str) -> Result<SavedCard, Wire> {
    let token = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token");
    let token = token.map(|(_, value)| value.into_owned()).unwrap_or_default();
    let found = core.with_world(|world, _| world.saved_cards.get(&token).cloned());
    found.map_err(|refusal| broken(&refusal))?.ok_or_else(not_found)
}

fn card_page(card: &SavedCard) -> Wire {
    let main = if card.saved {
        "<p role=\"status\">The test card is saved.</p>"
    } else {
        "<form method=\"post\"><button>Save the test card</button></form>\
         <p>This is a sandbox. Do not use a card of your own.</p>"
    };
    Wire::html(200, page("Save a card", main))
}

fn not_found() -> Wire {
    Wire::html(404, page("Not found", "<p>There is nothing behind this link.</p>"))
}

fn broken(refusal: &Refusal) -> Wire {
    Wire::html(500, page("Error", &format!("<p>{}</p>", escape(&refusal.message))))
}

/// A page that a screen reader and a phone can use.
fn page(title: &str, main: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;\
         margin:2rem auto;padding:0 1rem;color:#111;background:#fff}}input,button{{font:inherit;\
         padding:.4rem .6rem}}#problem{{color:#a00}}</style></head>\
         <body><main><h1>{title}</h1>{main}</main></body></html>"
    )
}

/// Text as HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
