//! Sealed blocks, opened by OpenSSL.

use std::path::Path;
use std::process::{Command, Output};

use kess_gateway::{ErrorKind, Outcome, PublicKey};

use crate::handwritten::Customer;
use crate::scripted::{Scripted, success};

fn openssl(folder: &Path, args: &str) -> Option<Output> {
    let output = Command::new("openssl").args(args.split(' ')).current_dir(folder).output();
    match output {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "openssl {args}: {text}");
            Some(output)
        }
        Err(error) if std::env::var_os("CI").is_some() => {
            panic!("openssl is required in CI: {error}")
        }
        Err(_) => None,
    }
}

/// A key pair in a folder: `private.pem`, and the public half in both forms.
fn key_pair(bits: u32, exponent: u64) -> Option<(tempfile::TempDir, [PublicKey; 2])> {
    let folder = tempfile::tempdir().unwrap();
    let of = format!("-pkeyopt rsa_keygen_bits:{bits} -pkeyopt rsa_keygen_pubexp:{exponent}");
    openssl(folder.path(), &format!("genpkey -algorithm RSA {of} -out private.pem"))?;
    openssl(folder.path(), "rsa -in private.pem -pubout -out spki.pem")?;
    openssl(folder.path(), "rsa -in private.pem -RSAPublicKey_out -out pkcs1.pem")?;
    let read = |name: &str| {
        let pem = std::fs::read_to_string(folder.path().join(name)).unwrap();
        PublicKey::from_pem(&pem).unwrap()
    };
    let keys = [read("spki.pem"), read("pkcs1.pem")];
    Some((folder, keys))
}

fn opened(folder: &Path, hex_text: &str) -> String {
    assert_eq!(hex_text, hex_text.to_lowercase());
    std::fs::write(folder.join("sealed.bin"), hex::decode(hex_text).unwrap()).unwrap();
    let args = "pkeyutl -decrypt -inkey private.pem -in sealed.bin -pkeyopt rsa_padding_mode:pkcs1";
    String::from_utf8(openssl(folder, args).unwrap().stdout).unwrap()
}

#[test]
fn openssl_opens_what_either_form_of_the_key_sealed() {
    let Some((folder, keys)) = key_pair(2_048, 65_537) else {
        return println!("skipped: there is no openssl here to compare with");
    };
    for key in keys {
        assert_eq!(key.capacity(), 245);
        let customer = Customer { first_name: " សុខ \"Dara\" ".into() };
        let sealed = key.seal(&customer).unwrap();
        let again = key.seal(&customer).unwrap();
        assert_ne!(sealed.as_hex(), again.as_hex(), "the padding is random");
        for sealed in [sealed, again] {
            assert_eq!(opened(folder.path(), sealed.as_hex()), r#"{"first_name":"សុខ \"Dara\""}"#);
        }
    }
}

#[test]
fn a_block_fits_to_the_byte_and_not_one_more() {
    let Some((folder, [key, _])) = key_pair(2_048, 65_537) else {
        return println!("skipped: there is no openssl here to compare with");
    };
    // {"first_name":""} is 17 bytes.
    let customer = |length: usize| Customer { first_name: "x".repeat(length).into() };
    let sealed = key.seal(&customer(245 - 17)).unwrap();
    assert_eq!(opened(folder.path(), sealed.as_hex()).len(), 245);
    let error = key.seal(&customer(245 - 17 + 3)).unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::InvalidRequest, Outcome::NotSent));
    assert_eq!(
        error.message(),
        "customer is 3 bytes over the 245 that the public key takes; its largest field is first_name"
    );
}

#[test]
fn keys_of_every_size_and_exponent_work() {
    // 1032 and 2056 bits are no whole words; the larger exponents have bits set in their middle.
    let keys = [
        (512, 65_537),
        (1_032, 65_537),
        (1_024, 3),
        (1_024, 0b1011),
        (1_024, 4_294_967_291),
        (2_056, 65_537),
        (4_096, 3),
    ];
    for (bits, exponent) in keys {
        let Some((folder, keys)) = key_pair(bits, exponent) else {
            return println!("skipped: there is no openssl here to compare with");
        };
        for key in keys {
            for name in ["D", "Dara Sok"] {
                let sealed = key.seal(&Customer { first_name: name.into() }).unwrap();
                assert_eq!(sealed.as_hex().len(), (key.capacity() + 11) * 2, "{bits} {exponent}");
                let opened = opened(folder.path(), sealed.as_hex());
                assert_eq!(opened, format!(r#"{{"first_name":"{name}"}}"#), "{bits} {exponent}");
            }
        }
    }
}

#[test]
fn a_key_of_another_algorithm_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let curve = "ecparam -name prime256v1 -genkey -noout -out private.pem";
    if openssl(folder.path(), curve).is_none() {
        return println!("skipped: there is no openssl here to make one");
    }
    openssl(folder.path(), "ec -in private.pem -pubout -out public.pem");
    let pem = std::fs::read_to_string(folder.path().join("public.pem")).unwrap();
    let error = PublicKey::from_pem(&pem).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("is not an RSA key"), "{error}");
}

#[test]
fn what_is_not_a_public_key_is_refused() {
    let private = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----";
    for (pem, says) in [
        ("", "is not an RSA key"),
        ("hello", "is not an RSA key"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "is not an RSA key"),
        (private, "holds a private key"),
    ] {
        let error = PublicKey::from_pem(pem).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains(says), "{error}");
    }
}

#[test]
fn a_client_without_a_key_says_so() {
    let client = Scripted::calls(|_| success("{}")).client();
    let error = client.seal(&Customer { first_name: "Dara".into() }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}
