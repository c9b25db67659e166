//! Requests whose replies come in pages or ranges: which of their fields say where to go on.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::rust_type;
use crate::ir::{Operation, Reply, Spec, Type};
use crate::name::ident;

/// What the runtime needs to go from page to page; nothing where the reply comes at once.
pub(super) fn emit(spec: &Spec, operation: &Operation, request: &Ident) -> Option<TokenStream> {
    match &operation.reply {
        Reply::Page(page) => {
            let item = rust_type::of(spec, &Type::Object(page.of));
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
        Reply::Range(range) => {
            let fields = &spec[range.object].fields;
            let item = rust_type::of(spec, &Type::Object(range.of));
            let rows = ident(&fields[range.rows].snake);
            let has_more = &fields[range.has_more];
            let flag = ident(&has_more.snake);
            let has_more = if has_more.required {
                quote!(reply.#flag)
            } else {
                quote!(reply.#flag == Some(true))
            };
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

                    fn rows(reply: &Self::Reply) -> &[Self::Item] {
                        &reply.#rows
                    }

                    fn into_rows(reply: Self::Reply) -> Vec<Self::Item> {
                        reply.#rows
                    }

                    fn has_more(reply: &Self::Reply) -> bool {
                        #has_more
                    }
                }
            })
        }
        Reply::Object(_) | Reply::List(_) | Reply::Any => None,
    }
}
