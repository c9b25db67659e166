//! Pages for people: confirming a withdrawal with a one-time password.

use crate::core::Core;
use crate::refusal::Refusal;
use crate::wire::Wire;
use crate::world::{Order, Status};

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
