//! UniFFI's generator, in the version that the library is built with.
//!
//! `kesspay-bindgen generate --library libkesspay.so --language kotlin --out-dir DIR`; the library
//! must not be stripped, because it carries the description of itself.

fn main() {
    uniffi::uniffi_bindgen_main();
}
