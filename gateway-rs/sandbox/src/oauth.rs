//! `POST /oauth/token`: the password and refresh grants of Laravel Passport.
//!
//! A refresh token is good once and outlives its access token by fifteen minutes. Refreshing
//! revokes the old access token at once, as Passport does: a call that carries it is answered 401.

use std::collections::BTreeMap;

use crate::clock::Millis;
use crate::core::{Core, lock, millis};
use crate::faults::{Fault, OAUTH, Subject};
use crate::json::object;
use crate::wire::{self, Wire};
use crate::world::{Grant, World};

/// How much longer a refresh token lives than its access token.
const REFRESH_GRACE: Millis = 15 * 60 * 1000;

/// One of Passport's refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Denied {
    status: u16,
    error: &'static str,
    description: &'static str,
    hint: Option<&'static str>,
}

const BAD_CLIENT: Denied = Denied {
    status: 401,
    error: "invalid_client",
    description: "Client authentication failed",
    hint: None,
};
const BAD_USER: Denied = Denied {
    status: 400,
    error: "invalid_grant",
    description: "The user credentials were incorrect.",
    hint: None,
};
const BAD_REFRESH_TOKEN: Denied = Denied {
    status: 401,
    error: "invalid_request",
    description: "The refresh token is invalid.",
    hint: Some("Token has been revoked"),
};
const BAD_GRANT_TYPE: Denied = Denied {
    status: 400,
    error: "unsupported_grant_type",
    description: "The authorization grant type is not supported by the authorization server.",
    hint: Some("Check that all required parameters have been provided"),
};

/// Answers a token request. Its body is JSON or a form.
pub(crate) fn token(core: &Core, is_form: bool, body: &[u8]) -> Wire {
    let fields = if is_form { form_fields(body) } else { json_fields(body) };
    let key = fields.get("grant_type").map_or("", String::as_str);
    let subject = Subject { name: OAUTH, service: OAUTH, out_trade_no: None, key };
    let fault = lock(&core.faults).draw(subject);
    if fault == Some(Fault::TokenRevoked) {
        return denied(BAD_CLIENT);
    }
    core.strike(fault.as_ref(), |_| match grant(core, &fields) {
        Ok(wire) => wire,
        Err(refused) => denied(refused),
    })
}

fn json_fields(body: &[u8]) -> BTreeMap<String, String> {
    let params = crate::php::Params::decode(body).unwrap_or_default();
    let field = |(name, value): (&str, &crate::php::Value)| {
        value.printed().map(|text| (name.to_owned(), text.to_owned()))
    };
    params.iter().filter_map(field).collect()
}

fn form_fields(body: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(body).into_owned().collect()
}

fn grant(core: &Core, fields: &BTreeMap<String, String>) -> Result<Wire, Denied> {
    let given = |name: &str| fields.get(name).map(String::as_str);
    let grant_type = given("grant_type");
    if !matches!(grant_type, Some("password" | "refresh_token")) {
        return Err(BAD_GRANT_TYPE);
    }
    let known = &core.credentials;
    if given("client_id") != Some(known.client_id.as_str())
        || given("client_secret") != Some(known.client_secret.as_str())
    {
        return Err(BAD_CLIENT);
    }
    let refreshing = grant_type == Some("refresh_token");
    if !refreshing
        && (given("username") != Some(known.username.as_str())
            || given("password") != Some(known.password.as_str()))
    {
        return Err(BAD_USER);
    }
    let old = given("refresh_token").unwrap_or_default().to_owned();
    let lifetime = millis(core.settings.token_lifetime);
    let made = core.with_world(|world, now| {
        if refreshing {
            use_up(world, &old, now)?;
        }
        Ok(new_grant(world, now, lifetime))
    });
    let (access_token, refresh_token) = match made {
        Ok(made) => made?,
        Err(refusal) => return Ok(wire::refusal(&refusal, core.settings.error_shape)),
    };
    Ok(Wire::json(
        200,
        &object! {
            "token_type": "Bearer",
            // A text in the documentation's sample, and so a text here.
            "expires_in": core.settings.token_lifetime.as_secs().to_string(),
            "access_token": access_token,
            "refresh_token": refresh_token,
        },
    ))
}

/// Marks a refresh token as used and its access token as revoked.
fn use_up(world: &mut World, refresh_token: &str, now: Millis) -> Result<(), Denied> {
    let good = |grant: &Grant| {
        grant.refresh_token == refresh_token && !grant.refreshed && now < grant.refresh_expires_at
    };
    let found = world.grants.iter().find(|(_, grant)| good(grant)).map(|(key, _)| key.clone());
    let key = found.ok_or(BAD_REFRESH_TOKEN)?;
    if let Some(grant) = world.grants.get_mut(&key) {
        grant.refreshed = true;
        grant.revoked = true;
    }
    Ok(())
}

fn new_grant(world: &mut World, now: Millis, lifetime: Millis) -> (String, String) {
    let number = world.next_number().to_string();
    let access_token = world.names.hex("access token", &number, 64);
    let refresh_token = world.names.hex("refresh token", &number, 64);
    let expires_at = now.saturating_add(lifetime);
    let grant = Grant {
        refresh_token: refresh_token.clone(),
        expires_at,
        refresh_expires_at: expires_at.saturating_add(REFRESH_GRACE),
        revoked: false,
        refreshed: false,
    };
    world.grants.put(access_token.clone(), grant);
    (access_token, refresh_token)
}

fn denied(denied: Denied) -> Wire {
    let mut json = object! {
        "error": denied.error,
        "error_description": denied.description,
        "message": denied.description,
    };
    if let Some(hint) = denied.hint {
        json = json.with(vec![("hint", hint.into())]);
    }
    Wire::json(denied.status, &json)
}
