//! The switch of the language, for everybody: the page to sign in has it, too.

use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Redirect, Response};
use http::{StatusCode, header};
use serde::Deserialize;

use super::words::{COOKIE, Language};
use crate::serve::own_path;

#[derive(Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    to: String,
}

/// `GET /language/{code}?to={path}`: remembers the language, and goes back where it was chosen.
pub(super) async fn choose(Path(code): Path<String>, Query(back): Query<Back>) -> Response {
    let Some(language) = Language::of_code(&code) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let code = language.code();
    let cookie = format!("{COOKIE}={code}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax");
    ([(header::SET_COOKIE, cookie)], Redirect::to(own_path(&back.to))).into_response()
}
