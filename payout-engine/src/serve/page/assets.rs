//! Style, script and icon: part of the program, and kept by browsers until they change.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use sha2::{Digest, Sha256};

/// A file that pages refer to.
pub(super) struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

pub(super) const STYLE: Asset = Asset {
    name: "page.css",
    kind: "text/css; charset=utf-8",
    text: include_str!("assets/page.css"),
};

pub(super) const SCRIPT: Asset = Asset {
    name: "page.js",
    kind: "text/javascript; charset=utf-8",
    text: include_str!("assets/page.js"),
};

pub(super) const ICON: Asset =
    Asset { name: "icon.svg", kind: "image/svg+xml", text: include_str!("assets/icon.svg") };

impl Asset {
    /// Where it is found. The address changes with the contents, so it may be kept for ever.
    pub(super) fn address(&self) -> String {
        format!("/assets/{}/{}", version(), self.name)
    }
}

/// A mark of all contents together.
fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let all = [STYLE, SCRIPT, ICON].map(|asset| asset.text).concat();
        hex::encode(&Sha256::digest(all)[..8])
    });
    &VERSION
}

/// `GET /assets/{version}/{name}`, for everybody: the page to sign in needs it, too.
pub(super) async fn asset(Path((of, name)): Path<(String, String)>) -> Response {
    let found = [STYLE, SCRIPT, ICON].into_iter().find(|asset| asset.name == name);
    let Some(asset) = found else { return StatusCode::NOT_FOUND.into_response() };
    // A page from before an update gets what there is now, and keeps it no longer than itself.
    let kept = if of == version() { "public, max-age=31536000, immutable" } else { "no-cache" };
    ([(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, kept)], asset.text)
        .into_response()
}
