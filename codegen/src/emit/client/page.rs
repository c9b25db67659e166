//! Replies that come in pages or ranges: the struct of one page, and how to ask for the next.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::{object, types};
use crate::emit::rust::doc;
use crate::ir::{Items, Operation, Reply, Spec, Type};
use crate::name;

/// `GetTxnListsReply`.
pub(super) fn reply_name(operation: &Operation) -> Ident {
    format_ident!("{}Reply", name::pascal(&operation.name))
}

/// The page of this operation; nothing where its reply comes at once.
pub(super) fn emit(spec: &Spec, operation: &Operation, request: &Ident) -> Option<TokenStream> {
    let (items, paging, next) = match &operation.reply {
        Reply::Page(items) => (items, page_fields(), next_page()),
        Reply::Range(items) => (items, range_fields(), next_range()),
        Reply::Object(_) | Reply::List(_) | Reply::Any => return None,
    };
    let reply = reply_name(operation);
    let (structure, item) = structure(spec, operation, items, &paging);
    Some(quote! {
        #structure

        impl Paged for #request {
            type Item = #item;

            fn next(&self, reply: &#reply) -> Option<Self> {
                #next
            }

            fn into_items(reply: #reply) -> Vec<#item> {
                reply.items
            }
        }
    })
}

fn structure(
    spec: &Spec,
    operation: &Operation,
    items: &Items,
    paging: &TokenStream,
) -> (TokenStream, TokenStream) {
    let (reply, title, key) = (reply_name(operation), &operation.name, &items.key);
    let item = types::of(spec, &Type::Object(items.of));
    let about =
        doc(&format!("One page of what [`{0}`](crate::Client::{0}) lists.", operation.name));
    let fields = items.fields.iter().map(|field| object::read_field(spec, field));
    let rename = (key != "items").then(|| quote!(rename = #key,));
    let structure = quote! {
        #about
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub struct #reply {
            #[doc = " What stands on this page."]
            #[serde(#rename default, deserialize_with = "crate::decode::field")]
            pub items: Vec<#item>,
            #paging
            #(#fields)*
        }

        impl ReplyObject for #reply {
            const NAME: &'static str = #title;
        }
    };
    (structure, item)
}

fn page_fields() -> TokenStream {
    quote! {
        #[doc = " The number of this page, from 1 on."]
        #[serde(default, deserialize_with = "crate::decode::field")]
        pub current_page: Option<i64>,
        #[doc = " The number of the last page."]
        #[serde(default, deserialize_with = "crate::decode::field")]
        pub last_page: Option<i64>,
        #[doc = " How many items there are on all pages."]
        #[serde(default, deserialize_with = "crate::decode::field")]
        pub total: Option<i64>,
        #[doc = " How many items a page holds."]
        #[serde(default, deserialize_with = "crate::decode::field")]
        pub per_page: Option<i64>,
    }
}

fn range_fields() -> TokenStream {
    quote! {
        #[doc = " Where this range begins."]
        #[serde(default, deserialize_with = "crate::decode::field")]
        pub from: Option<i64>,
        #[doc = " Where this range ends."]
        #[serde(default, deserialize_with = "crate::decode::field")]
        pub to: Option<i64>,
        #[doc = " Whether there is more behind it."]
        #[serde(rename = "hasMore", default, deserialize_with = "crate::decode::field")]
        pub has_more: Option<bool>,
    }
}

fn next_page() -> TokenStream {
    quote! {
        let page =
            next_page(self.page, reply.current_page, reply.last_page, reply.items.len())?;
        Some(Self { page, ..self.clone() })
    }
}

fn next_range() -> TokenStream {
    quote! {
        let has_more = reply.has_more.unwrap_or(false);
        let (from, to) = next_range(self.from, self.to, has_more, reply.items.len())?;
        Some(Self { from, to, ..self.clone() })
    }
}
