//! Sessions of people who signed in: in memory, so a restart of the server ends them all.
//!
//! Invariant: the map holds hashes. Who reads this memory cannot take a session over.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use rand::{RngCore, rngs::OsRng};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{Person, Role, Settings};

/// How long a session lasts, whatever is done in it.
const LONGEST: Duration = Duration::from_secs(12 * 3_600);

/// How long it lasts while nothing is done in it.
const IDLE: Duration = Duration::from_secs(3_600);

/// More sessions than this there are only where somebody makes them; the oldest goes.
const MOST: usize = 1_000;

type Id = [u8; 32];

/// Everybody who is signed in.
#[derive(Default)]
pub(super) struct Sessions {
    open: Mutex<HashMap<Id, Session>>,
}

struct Session {
    name: String,
    role: Role,
    csrf: String,
    begun: Instant,
    used: Instant,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now - self.begun >= LONGEST || now - self.used >= IDLE
    }
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a session and returns the cookie that is the key to it. One that the browser brought
    /// along ends: what somebody else may have put there is worth nothing afterwards.
    pub(super) fn begin(
        &self,
        name: String,
        role: Role,
        headers: &HeaderMap,
        settings: &Settings,
    ) -> HeaderValue {
        self.end(headers, settings);
        let now = Instant::now();
        let secret = random();
        let session = Session { name, role, csrf: random(), begun: now, used: now };
        let mut open = self.lock();
        open.retain(|_, session| !session.is_over(now));
        if open.len() >= MOST
            && let Some(oldest) = open.iter().min_by_key(|(_, it)| it.used).map(|(id, _)| *id)
        {
            open.remove(&oldest);
        }
        open.insert(digest(&secret), session);
        cookie(settings, &secret, LONGEST)
    }

    /// Ends the session of whoever sent these headers, and returns the cookie that forgets it.
    pub(super) fn end(&self, headers: &HeaderMap, settings: &Settings) -> HeaderValue {
        if let Some(secret) = secret(headers, settings) {
            self.lock().remove(&digest(secret));
        }
        cookie(settings, "", Duration::ZERO)
    }

    /// How many are signed in.
    pub(super) fn count(&self) -> usize {
        let now = Instant::now();
        self.lock().values().filter(|session| !session.is_over(now)).count()
    }

    /// Whose session the request belongs to. Looking keeps it from ending for another hour.
    pub(super) fn person(&self, headers: &HeaderMap, settings: &Settings) -> Option<Person> {
        let id = digest(secret(headers, settings)?);
        let now = Instant::now();
        let mut open = self.lock();
        let session = open.get_mut(&id)?;
        if session.is_over(now) {
            open.remove(&id);
            return None;
        }
        session.used = now;
        let (name, csrf) = (session.name.clone(), session.csrf.clone());
        Some(Person::with_session(name, session.role, csrf))
    }
}

/// 256 random bits, as text.
pub(super) fn random() -> String {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}

fn digest(secret: &str) -> Id {
    Sha256::digest(secret.as_bytes()).into()
}

/// Cookies are shared by all ports of a machine, so the port is in the name. The prefix makes
/// browsers insist on TLS, and that no neighbour in the domain sets it.
fn cookie_name(settings: &Settings) -> String {
    let prefix = if settings.is_https() { "__Host-" } else { "" };
    format!("{prefix}payout-{}", settings.address.port())
}

fn cookie(settings: &Settings, secret: &str, age: Duration) -> HeaderValue {
    let secure = if settings.is_https() { "; Secure" } else { "" };
    let (name, age) = (cookie_name(settings), age.as_secs());
    let text = format!("{name}={secret}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}");
    // Letters, digits and punctuation of ours.
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn secret<'a>(headers: &'a HeaderMap, settings: &Settings) -> Option<&'a str> {
    let name = cookie_name(settings);
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|it| it.to_str().ok());
    let mut pairs = cookies.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, secret)| secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            run: crate::config::RunSettings::default(),
            public_url: None,
            is_rehearsal: false,
            is_repeatable: false,
            metrics_open: false,
            address: ([127, 0, 0, 1], 8080).into(),
        }
    }

    /// What a browser sends that was given this cookie.
    fn with(cookie: &HeaderValue) -> HeaderMap {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        HeaderMap::from_iter([(header::COOKIE, pair.parse().unwrap())])
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_when_it_is_left_alone_and_after_half_a_day_whatever_is_done() {
        let (sessions, settings) = (Sessions::default(), settings());
        let begin = || {
            let nobody = HeaderMap::new();
            with(&sessions.begin("Dara".to_owned(), Role::Reader, &nobody, &settings))
        };
        let (left_alone, used) = (begin(), begin());
        assert!(sessions.person(&left_alone, &settings).is_some());
        for _ in 0..13 {
            tokio::time::advance(Duration::from_secs(59 * 60)).await;
            sessions.person(&used, &settings);
        }
        assert!(sessions.person(&left_alone, &settings).is_none());
        assert!(sessions.person(&used, &settings).is_none());
        assert_eq!(sessions.count(), 0);
        let used = begin();
        for _ in 0..12 {
            tokio::time::advance(Duration::from_secs(59 * 60)).await;
            assert!(sessions.person(&used, &settings).is_some());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_are_bounded_and_kept_as_hashes() {
        let (sessions, settings) = (Sessions::default(), settings());
        let nobody = HeaderMap::new();
        let first = sessions.begin("Dara".to_owned(), Role::Reader, &nobody, &settings);
        for _ in 0..MOST {
            tokio::time::advance(Duration::from_millis(1)).await;
            sessions.begin("Sok".to_owned(), Role::Reader, &nobody, &settings);
        }
        assert_eq!(sessions.count(), MOST);
        assert!(sessions.person(&with(&first), &settings).is_none(), "the oldest went");
        let cookie = sessions.begin("Dara".to_owned(), Role::Reader, &nobody, &settings);
        let headers = with(&cookie);
        let secret = secret(&headers, &settings).unwrap();
        assert!(sessions.lock().keys().all(|id| hex::encode(id) != secret));
    }
}
