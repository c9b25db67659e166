//! The signature check against the documented routine, run by real PHP.

use std::io::Write as _;
use std::process::{Command, Stdio};

use kess_sandbox::sign_body;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};

const KEY: &str = "abc123";

/// One random value as JSON: the kinds of numbers and texts on which languages disagree.
fn value(random: &mut StdRng) -> String {
    match random.gen_range(0..10) {
        0 => ["null", "true", "false", "\"\"", "[]", "{}", "[1,\"x\"]", "{\"a\":1}"]
            .choose(random)
            .copied()
            .unwrap_or_default()
            .to_owned(),
        1 => random.gen_range(i64::MIN..=i64::MAX).to_string(),
        2 => format!("{}.{:02}", random.gen_range(-999..10_000), random.gen_range(0..100)),
        3 => format!("{}e{}", random.gen_range(-99..100), random.gen_range(-30..30)),
        4 => format!(
            "{}.{}E{:+}",
            random.gen_range(0..10),
            random.gen_range(0..u64::MAX),
            random.gen_range(-20..20)
        ),
        5 => format!("{}{:019}", random.gen_range(1..100), random.gen_range(0..i64::MAX)),
        6 => {
            format!("0.{:0zeros$}{}", 0, random.gen_range(1..1000), zeros = random.gen_range(1..9))
        }
        7 => format!("{}.0", random.gen_range(-5..5)),
        8 => text(random, &["&", "=", "a", " ", "\\t", "\\n", "\\u0000", "+", "%", "é", "\\u00a0"]),
        _ => text(random, &["ស", "ួ", "ស្តី", "Sok", " ", "Dara", "😀", "\\\"", "\\\\", "/", "0"]),
    }
}

fn text(random: &mut StdRng, pieces: &[&str]) -> String {
    let count = random.gen_range(0..6);
    let inside: String = (0..count).filter_map(|_| pieces.choose(random).copied()).collect();
    format!("\"{inside}\"")
}

fn body(random: &mut StdRng) -> String {
    let names = [
        "service",
        "total_amount",
        "body",
        "a",
        "A",
        "_",
        "b1",
        "b2",
        "zz",
        "out_trade_no",
        "sign",
    ];
    let sign_type = if random.gen_bool(0.5) { "MD5" } else { "HMAC-SHA256" };
    let mut members = vec![format!("\"sign_type\":\"{sign_type}\"")];
    for name in names {
        if random.gen_bool(0.6) {
            members.push(format!("\"{name}\":{}", value(random)));
        }
    }
    members.shuffle(random);
    format!("{{{}}}", members.join(","))
}

#[test]
fn every_signature_is_the_one_that_php_makes() {
    let seed = 20_260_701;
    let mut random = StdRng::seed_from_u64(seed);
    let bodies: Vec<String> = (0..4000).map(|_| body(&mut random)).collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/documented.php");
    let spawned = Command::new("php")
        .args([script, KEY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        assert!(std::env::var_os("CI").is_none(), "CI has to have php (Debian: php-cli)");
        eprintln!("skipped: there is no php command (Debian: apt-get install php-cli)");
        return;
    };
    let mut input = child.stdin.take().unwrap();
    let lines = bodies.join("\n");
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let signs = String::from_utf8(output.stdout).unwrap();
    let signs: Vec<&str> = signs.lines().collect();
    assert_eq!(signs.len(), bodies.len());
    for (body, sign) in bodies.iter().zip(signs) {
        assert_eq!(sign_body(body, KEY).as_deref(), Some(sign), "seed {seed}: {body}");
    }
}
