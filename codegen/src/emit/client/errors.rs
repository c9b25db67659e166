//! The table of errors.

use proc_macro2::Literal;
use quote::{format_ident, quote};

use crate::OutFile;
use crate::emit::docs::{self, Spelling};
use crate::emit::rust;
use crate::ir::{ErrorKind, Spec};

pub(super) fn emit(spec: &Spec, path: String) -> OutFile {
    let rows = spec.errors.iter().map(|row| {
        let status = Literal::u16_unsuffixed(row.status);
        let code = match &row.code {
            Some(code) => quote!(Some(#code)),
            None => quote!(None),
        };
        let endpoint = match &row.endpoint {
            Some(endpoint) => quote!(Some(#endpoint)),
            None => quote!(None),
        };
        let meaning = &row.meaning;
        let kind = format_ident!("{}", kind(row.kind));
        let may_have_moved_money = row.may_have_moved_money;
        let source = docs::source(Spelling::Rust, &row.source);
        quote! {
            DocumentedError {
                status: #status,
                code: #code,
                endpoint: #endpoint,
                kind: ErrorKind::#kind,
                may_have_moved_money: #may_have_moved_money,
                meaning: #meaning,
                source: #source,
            }
        }
    });
    let items = quote! {
        use crate::ErrorKind;

        #[doc = " A row of the table of errors."]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct DocumentedError {
            #[doc = " The HTTP status."]
            pub status: u16,
            #[doc = " The constant beside it, where there is one."]
            pub code: Option<&'static str>,
            #[doc = " Another endpoint than that of the services, which answers with it."]
            pub endpoint: Option<&'static str>,
            #[doc = " What the client makes of it."]
            pub kind: ErrorKind,
            #[doc = " Whether a call that moves money may have done so all the same."]
            pub may_have_moved_money: bool,
            #[doc = " What it means."]
            pub meaning: &'static str,
            #[doc = " Where it stands in the documentation."]
            pub source: &'static str,
        }

        #[doc = " The documentation's table of errors, and those that were seen elsewhere."]
        pub const DOCUMENTED: &[DocumentedError] = &[#(#rows),*];
    };
    let about = "The errors that the gateway is known to answer with.\n\n\
                 The client reads errors by rules of its own; a test holds them against this \
                 table.";
    rust::file(path, about, &items)
}

/// The runtime's name of the kind.
pub(in crate::emit) fn kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Refused => "Refused",
        ErrorKind::Unauthenticated => "Authentication",
        ErrorKind::Forbidden => "Forbidden",
        ErrorKind::NotFound => "NotFound",
        ErrorKind::Duplicate => "Duplicate",
        ErrorKind::Expired => "Expired",
        ErrorKind::RateLimited => "RateLimited",
        ErrorKind::Unavailable => "Unavailable",
        ErrorKind::Unknown => "Failed",
    }
}
