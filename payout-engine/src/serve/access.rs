//! Who may do what: roles, the people and tokens of the configuration, and who asks now.
//!
//! A handler that takes a [`Person`] is only reached by somebody who is known, one that takes an
//! [`Operator`] only by somebody who may change things.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use http::{HeaderMap, header, request::Parts};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Denied, Site, password::Hash, session::random};
use crate::{config::ServeSettings, error::Error};

/// No token is shorter: what cannot be guessed needs no limit on guesses.
const SHORTEST_TOKEN: usize = 32;

/// What is written down as "by" where a token stands for a person.
pub(super) const TOKEN_HOLDER: &str = "a holder of the token";

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Look at everything.
    Reader,
    /// Start, pause and end batches, and decide about rows, too.
    Operator,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// What is written down as "by".
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
    /// Their session's token against forged requests; none for whoever sends a bearer token, which
    /// no page of somebody else can.
    csrf: Option<String>,
}

/// Somebody who may change things.
#[derive(Debug, Clone)]
pub(crate) struct Operator(pub(crate) Person);

impl Person {
    pub(super) fn with_session(name: String, role: Role, csrf: String) -> Self {
        Self { name, role, csrf: Some(csrf) }
    }

    fn with_token(role: Role) -> Self {
        Self { name: TOKEN_HOLDER.to_owned(), role, csrf: None }
    }

    /// What the hidden field `csrf` of every form has to hold.
    pub(crate) fn csrf(&self) -> &str {
        self.csrf.as_deref().unwrap_or_default()
    }

    /// Whether they may change things.
    pub(crate) fn is_operator(&self) -> bool {
        self.role == Role::Operator
    }

    /// Whether a form with this token came from a page of ours.
    pub(super) fn accepts(&self, csrf: Option<&str>) -> bool {
        match &self.csrf {
            Some(own) => csrf.is_some_and(|it| own.as_bytes().ct_eq(it.as_bytes()).into()),
            None => true,
        }
    }
}

/// The people and tokens of the configuration.
#[derive(Default)]
pub(crate) struct Access {
    people: Vec<(String, Role, Hash)>,
    /// Hashes of bearer tokens, so that all are of one length, with what they allow.
    tokens: Vec<([u8; 32], Role)>,
    /// The hash of what the link on the terminal holds; it opens one session.
    link: Mutex<Option<[u8; 32]>>,
}

impl Access {
    /// Those whom the configuration lets in.
    ///
    /// # Errors
    /// A role that there is not, a hash that is none, a name twice, a token that could be guessed.
    pub(crate) fn configured(settings: &ServeSettings) -> Result<Self, Error> {
        let mut access = Self::default();
        for person in &settings.people {
            let name = person.name.trim();
            if name.is_empty() || access.people.iter().any(|(known, ..)| known == name) {
                let message = "each of [[serve.people]] needs a name of their own";
                return Err(Error::config(message));
            }
            let role = role(&person.role)?;
            access.people.push((name.to_owned(), role, Hash::parse(&person.password)?));
        }
        let tokens = [
            ("PAYOUT_SERVE_TOKEN", &settings.token, Role::Operator),
            ("PAYOUT_SERVE_READ_TOKEN", &settings.read_token, Role::Reader),
        ];
        for (variable, token, role) in tokens {
            let Some(token) = token else { continue };
            if token.len() < SHORTEST_TOKEN {
                let message = format!("{variable} has fewer than {SHORTEST_TOKEN} characters");
                return Err(Error::config(message).with_hint("`openssl rand -hex 32` makes one"));
            }
            access.tokens.push((digest(token), role));
        }
        Ok(access)
    }

    /// Whether nobody is let in.
    pub(crate) fn is_empty(&self) -> bool {
        self.people.is_empty() && self.tokens.is_empty()
    }

    /// What this token allows. It is compared with all of them, in constant time.
    pub(super) fn role_of_token(&self, token: &str) -> Option<Role> {
        let given = digest(token);
        let mut found = None;
        for (hash, role) in &self.tokens {
            if bool::from(hash.ct_eq(&given)) {
                found = Some(*role);
            }
        }
        found
    }

    /// The role of somebody who knows their password. It takes as long for somebody unknown.
    pub(super) async fn role_of_person(&self, name: &str, password: String) -> Option<Role> {
        let known = self.people.iter().find(|(known, ..)| known == name);
        let hash = known.map(|(.., hash)| hash.clone());
        let role = known.map(|(_, role, _)| *role);
        if Hash::check(hash, password).await { role } else { None }
    }

    /// A new secret for the link on the terminal; the one before is worth nothing any more.
    pub(super) fn new_link(&self) -> String {
        let secret = random();
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(digest(&secret));
        secret
    }

    /// Whether this is the secret of the link; once.
    pub(super) fn takes_link(&self, secret: &str) -> bool {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = link.is_some_and(|link| link.ct_eq(&digest(secret)).into());
        if holds {
            *link = None;
        }
        holds
    }
}

fn role(text: &str) -> Result<Role, Error> {
    match text {
        "reader" => Ok(Role::Reader),
        "operator" => Ok(Role::Operator),
        _ => Err(Error::config("a role under [[serve.people]] is `reader` or `operator`")),
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The bearer token of a request, if there is one.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Site {
    /// Who sent a request with these headers. A bearer token counts alone: where it is wrong, a
    /// session does not help.
    pub(super) fn person(&self, headers: &HeaderMap) -> Option<Person> {
        match bearer(headers) {
            Some(token) => self.access.role_of_token(token).map(Person::with_token),
            None => self.sessions.person(headers, &self.settings),
        }
    }
}

impl FromRequestParts<Arc<Site>> for Person {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Denied> {
        site.person(&parts.headers).ok_or_else(|| Denied::unknown(parts))
    }
}

impl FromRequestParts<Arc<Site>> for Operator {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Denied> {
        let person = Person::from_request_parts(parts, site).await?;
        if person.is_operator() { Ok(Self(person)) } else { Err(Denied::Forbidden) }
    }
}
