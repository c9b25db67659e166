//! The conversions behind the package: requests out of keywords, objects of requests out of
//! records, records out of objects of replies.
//!
//! They name what the compiled module's own `fields`, `value`, `record` and `call` offer, and the
//! client's public items; a type that has to be known is written out.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::OutFile;
use crate::emit::client::operation::request_name;
use crate::emit::client::{enums_in_use, given_objects, read_objects, rust_type, services};
use crate::emit::input::Input;
use crate::emit::rust::{self, Imports};
use crate::ir::{Object, Operation, Reply, Spec};
use crate::name::{self, ident};

const ROOT: &str = "bindings/python/src/generated";

const IMPORTS: Imports = &[
    ("std::collections", &["BTreeMap"]),
    (
        "kess_gateway",
        &[
            "Amount",
            "Currency",
            "Date",
            "RawJson",
            "Sealed",
            "Timestamp",
            "Variable",
            "enums",
            "objects",
            "operations",
        ],
    ),
    ("pyo3", &["Bound", "PyAny", "PyResult", "Python"]),
    ("crate::call", &["Prepare", "prepared", "prepared_paged", "prepared_ranged"]),
    ("crate::fields", &["Fields"]),
    ("crate::record", &["record"]),
    ("crate::value", &["Context", "FromPython", "ToPython", "open_enum"]),
];

pub(super) fn emit(spec: &Spec) -> Vec<OutFile> {
    vec![enums(spec), objects(spec), operations(spec)]
}

fn file(name: &str, about: &str, items: &TokenStream) -> OutFile {
    rust::file(format!("{ROOT}/{name}.rs"), about, &rust::with_imports(IMPORTS, items))
}

fn enums(spec: &Spec) -> OutFile {
    let enums = enums_in_use(spec);
    let names = enums.iter().map(|id| format_ident!("{}", name::pascal(&spec[*id].name)));
    file("enums", "The open enumerations, both ways.", &quote!(#(open_enum!(#names);)*))
}

fn objects(spec: &Spec) -> OutFile {
    let given = given_objects(spec).map(|object| from_python(spec, object));
    let read = read_objects(spec).map(to_python);
    let about = "The objects: those of requests out of records, those of replies into records.";
    file("objects", about, &quote!(#(#given)* #(#read)*))
}

fn from_python(spec: &Spec, object: &Object) -> TokenStream {
    let class = name::pascal(&object.name);
    let ty = format_ident!("{class}");
    let made = made(spec, &quote!(objects::#ty), &Input::of_object(&object.fields));
    quote! {
        impl FromPython for objects::#ty {
            fn from_python(value: &Bound<'_, PyAny>, context: &Context<'_>) -> PyResult<Self> {
                let fields = Fields::of_record(value, #class, context)?;
                #made
            }
        }
    }
}

fn to_python(object: &Object) -> TokenStream {
    let class = name::pascal(&object.name);
    let ty = format_ident!("{class}");
    let values = object.fields.iter().map(|field| {
        let name = ident(&field.snake);
        quote!(self.#name.to_python(py)?)
    });
    quote! {
        impl ToPython for objects::#ty {
            fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                record(py, #class, [#(#values),*])
            }
        }
    }
}

fn operations(spec: &Spec) -> OutFile {
    let mut sorted: Vec<&Operation> = services(spec).collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let rows = sorted.iter().map(|operation| {
        let (name, function, prepared) =
            (&operation.name, ident(&operation.name), prepared(&operation.reply));
        quote!((#name, |fields| Ok(#prepared(#function(fields)?))))
    });
    let functions = sorted.iter().map(|operation| request(spec, operation));
    let items = quote! {
        #[doc = " Every operation by its name, in the order of the names."]
        pub(crate) const OPERATIONS: &[(&str, Prepare)] = &[#(#rows),*];

        #(#functions)*
    };
    file("operations", "The requests, out of the keywords of a call.", &items)
}

fn prepared(reply: &Reply) -> Ident {
    let name = match reply {
        Reply::Page(_) => "prepared_paged",
        Reply::Range(_) => "prepared_ranged",
        Reply::Object(_) | Reply::List(_) | Reply::Any => "prepared",
    };
    format_ident!("{name}")
}

fn request(spec: &Spec, operation: &Operation) -> TokenStream {
    let (function, ty) = (ident(&operation.name), request_name(operation));
    let inputs = Input::of_request(&operation.request.fields);
    let made = made(spec, &quote!(operations::#ty), &inputs);
    let fields = if inputs.is_empty() { quote!(_) } else { quote!(fields) };
    quote! {
        fn #function(#fields: &Fields<'_, '_>) -> PyResult<operations::#ty> {
            #made
        }
    }
}

/// Made with what is required, completed with what is there.
fn made(spec: &Spec, ty: &TokenStream, inputs: &[Input<'_>]) -> TokenStream {
    let required = inputs.iter().filter(|input| input.required);
    let required = required.map(|input| {
        let (name, read) = (name::python(&input.field.snake), rust_type::of(spec, &input.field.ty));
        match input.currency {
            Some(currency) => {
                let currency = name::python(&currency.snake);
                quote!(fields.money(#name, #currency)?)
            }
            None => quote!(fields.required::<#read>(#name)?),
        }
    });
    let optional = inputs.iter().filter(|input| !input.required);
    let completed = optional.map(|input| {
        let (name, read) = (name::python(&input.field.snake), rust_type::of(spec, &input.field.ty));
        let setter = format_ident!("set_{}", input.field.snake);
        let value = match input.currency {
            Some(currency) => {
                let currency = name::python(&currency.snake);
                quote!(fields.optional_money(#name, #currency)?)
            }
            None => quote!(fields.optional::<#read>(#name)?),
        };
        quote! {
            if let Some(value) = #value {
                made = made.#setter(value);
            }
        }
    });
    rust::made(ty, required, completed)
}
