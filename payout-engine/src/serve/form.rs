//! What people send: forms and files. Neither is read before it is clear that a page of this server
//! sent it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Multipart, Request};
use serde::de::DeserializeOwned;

use super::{Denied, Person, Site};

/// The hidden field with the session's token.
const CSRF: &str = "csrf";

/// No form without a file is longer.
pub(super) const FORM_BYTES: usize = 64 * 1024;

/// No batch file is longer; the intake has limits of its own for what is in it.
pub(crate) const UPLOAD_BYTES: usize = 64 * 1024 * 1024;

/// A form that a page of this server sent, as a `POST`.
pub(crate) struct Form<T>(pub(crate) T);

/// A form with a file, `multipart/form-data`. The hidden field `csrf` has to come before the file.
pub(crate) struct Upload {
    /// The other fields.
    pub(crate) fields: BTreeMap<String, String>,
    /// The file's name and its bytes; `None` where none was chosen.
    pub(crate) file: Option<(String, Bytes)>,
}

impl<T: DeserializeOwned> FromRequest<Arc<Site>> for Form<T> {
    type Rejection = Denied;

    async fn from_request(request: Request, site: &Arc<Site>) -> Result<Self, Denied> {
        let (mut parts, body) = request.into_parts();
        let person = Person::from_request_parts(&mut parts, site).await?;
        let body = to_bytes(body, FORM_BYTES).await.map_err(|_| Denied::TooLarge)?;
        let csrf = form_urlencoded::parse(&body).find(|(name, _)| name == CSRF);
        if !person.accepts(csrf.as_ref().map(|(_, token)| token.as_ref())) {
            return Err(Denied::Forged);
        }
        serde_urlencoded::from_bytes(&body).map(Self).map_err(|_| Denied::Malformed)
    }
}

impl FromRequest<Arc<Site>> for Upload {
    type Rejection = Denied;

    async fn from_request(request: Request, site: &Arc<Site>) -> Result<Self, Denied> {
        let (mut parts, body) = request.into_parts();
        let person = Person::from_request_parts(&mut parts, site).await?;
        let request = Request::from_parts(parts, body);
        let mut form =
            Multipart::from_request(request, site).await.map_err(|_| Denied::Malformed)?;
        let mut upload = Self { fields: BTreeMap::new(), file: None };
        while let Some(field) = form.next_field().await.map_err(|_| Denied::Malformed)? {
            let name = field.name().unwrap_or_default().to_owned();
            match field.file_name().map(str::to_owned) {
                None => {
                    let text = field.text().await.map_err(|_| Denied::Malformed)?;
                    upload.fields.insert(name, text);
                }
                Some(file) => {
                    if !person.accepts(upload.fields.get(CSRF).map(String::as_str)) {
                        return Err(Denied::Forged);
                    }
                    let bytes = field.bytes().await.map_err(|_| Denied::TooLarge)?;
                    let is_chosen = !file.is_empty() || !bytes.is_empty();
                    upload.file = is_chosen.then_some((file, bytes));
                }
            }
        }
        if !person.accepts(upload.fields.get(CSRF).map(String::as_str)) {
            return Err(Denied::Forged);
        }
        upload.fields.remove(CSRF);
        Ok(upload)
    }
}
