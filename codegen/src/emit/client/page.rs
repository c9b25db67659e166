//! Requests whose replies come in pages or ranges: which of their fields say where to go on.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::rust_type;
use crate::ir::{Operation, Reply, Spec, Type};

/// What the runtime needs to go from page to page; nothing where the reply comes at once.
pub(super) fn emit(spec: &Spec, operation: &Operation, request: &Ident) -> Option<TokenStream> {
    match &operation.reply {
        Reply::Page(items) => {
            let item = rust_type::of(spec, &Type::Object(items.of));
            Some(quote! {
                impl Paged for #request {
                    type Item = #item;

                    fn page(&self) -> i64 {
                        self.page
                    }

                    fn set_page(&mut self, page: i64) {
                        self.page = page;
                    }
                }
            })
        }
        Reply::Range(items) => {
            let item = rust_type::of(spec, &Type::Object(items.of));
            Some(quote! {
                impl Ranged for #request {
                    type Item = #item;

                    fn range(&self) -> (i64, i64) {
                        (self.from, self.to)
                    }

                    fn set_range(&mut self, from: i64, to: i64) {
                        self.from = from;
                        self.to = to;
                    }
                }
            })
        }
        Reply::Object(_) | Reply::List(_) | Reply::Any => None,
    }
}
