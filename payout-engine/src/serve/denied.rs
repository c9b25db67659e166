//! What is said to whoever does not get what they asked for: short, the same for all, and without
//! anything that they did not know before.

use axum::response::{IntoResponse, Redirect, Response};
use http::{Method, StatusCode, header, request::Parts};

/// Why a request is not answered.
#[derive(Debug)]
pub(crate) enum Denied {
    /// Asked for under a name that is none of ours.
    Misnamed,
    /// Sign in first: a person at a page is shown where, and comes back to this path.
    SignIn(String),
    /// Nobody that is known, and nobody to show a page to.
    Unknown,
    /// Known, and not allowed to.
    Forbidden,
    /// A request that a page of somebody else could have made.
    Forged,
    /// A form that makes no sense.
    Malformed,
    /// More than is read.
    TooLarge,
}

impl Denied {
    /// Whoever made this request is not known.
    pub(super) fn unknown(parts: &Parts) -> Self {
        let accept = parts.headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
        let is_page = parts.method == Method::GET && accept.is_some_and(|it| it.contains("html"));
        if !is_page {
            return Self::Unknown;
        }
        Self::SignIn(parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned())
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::SignIn(next) => {
                let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
                return Redirect::to(&format!("/login?next={next}")).into_response();
            }
            Self::Unknown => {
                let headers = [(header::WWW_AUTHENTICATE, "Bearer")];
                return (StatusCode::UNAUTHORIZED, headers, "sign in first\n").into_response();
            }
            Self::Misnamed => (
                StatusCode::MISDIRECTED_REQUEST,
                "this server is not known by that name: see --public-url\n",
            ),
            Self::Forbidden => (StatusCode::FORBIDDEN, "your role does not allow this\n"),
            Self::Forged => (
                StatusCode::FORBIDDEN,
                "this did not come from a page of this server, or the page is from before you \
                 signed in: load it again\n",
            ),
            Self::Malformed => (StatusCode::BAD_REQUEST, "this form cannot be read\n"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "this is too large\n"),
        };
        (status, text).into_response()
    }
}

/// The answer to every path that is not there.
pub(super) async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "there is nothing here\n")
}
