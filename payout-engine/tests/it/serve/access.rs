//! Who is let in, what they may do, and what every answer says to a browser.

use std::io::Write;
use std::process::{Command, Stdio};

use super::http::Http;
use super::process::{READ_TOKEN, Served, TOKEN};
use crate::command::Desk;

const PASSWORD: &str = "correct horse battery";

/// Headers that no answer is without.
const GUARDS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

fn with_tokens(args: &[&str]) -> (Desk, Served) {
    let mut desk = Desk::new();
    Served::with_tokens(&mut desk);
    let served = Served::start(&desk, args);
    (desk, served)
}

/// The line for `payout.toml` that `--hash-password` prints.
fn hashed(password: &str) -> String {
    let mut hash = Command::new(env!("CARGO_BIN_EXE_payout"))
        .args(["serve", "--hash-password"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(hash.stdin.take().unwrap(), "{password}").unwrap();
    String::from_utf8(hash.wait_with_output().unwrap().stdout).unwrap()
}

/// A desk with an operator called Dara and a reader called Sok.
fn with_people() -> Desk {
    let desk = Desk::new();
    let line = hashed(PASSWORD);
    let person = |name: &str, role: &str| {
        format!("[[serve.people]]\nname = '{name}'\nrole = '{role}'\n{line}")
    };
    desk.write(
        "payout.toml",
        &format!("{}{}", person("Dara", "operator"), person("Sok", "reader")),
    );
    desk
}

fn signed_in(http: &mut Http, name: &str) -> String {
    let form = format!("name={name}&password={}&next=%2F", PASSWORD.replace(' ', "+"));
    let answer = http.post("/login", &form).send().expect(303);
    assert_eq!(answer.header("location"), Some("/"));
    answer.cookie()
}

#[test]
fn others_are_kept_out_unless_somebody_needs_a_password() {
    let mut desk = Desk::new();
    let refused = desk.payout(&["serve", "--listen", "0.0.0.0:0"]).expect(2);
    assert!(refused.stderr.contains("PAYOUT_SERVE_TOKEN"), "{}", refused.stderr);
    desk.set("PAYOUT_SERVE_TOKEN", "too short");
    let refused = desk.payout(&["serve"]).expect(2);
    assert!(refused.stderr.contains("32 characters"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("too short"), "{}", refused.stderr);
    desk.set("PAYOUT_SERVE_TOKEN", TOKEN);
    let refused = desk.payout(&["serve", "--listen", "0.0.0.0:0", "--metrics-open"]).expect(2);
    assert!(refused.stderr.contains("--metrics-open"), "{}", refused.stderr);
    let served = Served::start(&desk, &["--listen", "0.0.0.0:0"]);
    Http::to(([127, 0, 0, 1], served.address.port()).into()).get("/healthz").send().expect(200);
}

#[test]
fn the_link_on_the_terminal_opens_one_session() {
    let desk = Desk::new();
    let served = Served::start(&desk, &[]);
    let url = served.told("sign in, once, at ");
    let path = format!("/{}", url.splitn(4, '/').nth(3).unwrap());
    let mut http = served.http();
    http.get("/login?link=0000").send().expect(401);
    let answer = http.get(&path).send().expect(303);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
    http.get("/").with("cookie", &answer.cookie()).send().expect(200);
    http.get(&path).send().expect(401);
}

#[test]
fn whoever_is_not_known_is_shown_where_to_sign_in_and_nothing_else() {
    let (_desk, served) = with_tokens(&[]);
    let mut http = served.http();
    let answer = http.get("/batches/june").with("accept", "text/html").send();
    if answer.status != 404 {
        assert_eq!(answer.header("location"), Some("/login?next=%2Fbatches%2Fjune"), "{answer:?}");
    }
    let answer = http.get("/").with("accept", "text/html").send().expect(303);
    assert_eq!(answer.header("location"), Some("/login?next=%2F"));
    http.get("/").send().expect(401);
    http.get("/metrics").send().expect(401);
    http.get("/").bearer("wrong-wrong-wrong-wrong-wrong-wrong").send().expect(401);
    http.get("/").bearer(READ_TOKEN).send().expect(200);
    http.get("/").with("cookie", "payout-1=x; payout=y").send().expect(401);
    http.get("/login").send().expect(200);
}

#[test]
fn a_person_signs_in_acts_and_signs_out() {
    let desk = with_people();
    let served = Served::start(&desk, &[]);
    let mut http = served.http();
    for form in
        ["name=Dara&password=wrong+wrong+wrong", "name=Nobody&password=correct+horse+battery"]
    {
        http.post("/login", form).send().expect(401);
    }
    let before = signed_in(&mut http, "Dara");
    let cookie = signed_in(&mut http, "Dara");
    assert_ne!(before, cookie);
    let csrf = http.get("/").with("cookie", &cookie).send().expect(200).csrf();
    let wrong = csrf.replace(|c: char| c.is_ascii_digit(), "a");
    for form in ["", "csrf=", &format!("csrf={wrong}")] {
        http.post("/logout", form).with("cookie", &cookie).send().expect(403);
    }
    // The other session's token is no good either.
    let other = http.get("/").with("cookie", &before).send().expect(200).csrf();
    http.post("/logout", &format!("csrf={other}")).with("cookie", &cookie).send().expect(403);
    let form = format!("csrf={csrf}");
    let answer = http.post("/logout", &form).with("cookie", &cookie).send().expect(303);
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"), "{answer:?}");
    http.get("/").with("cookie", &cookie).send().expect(401);
    http.get("/").with("cookie", &before).send().expect(200);
}

#[test]
fn signing_in_again_ends_the_session_that_the_browser_brought() {
    let desk = with_people();
    let served = Served::start(&desk, &[]);
    let mut http = served.http();
    let planted = signed_in(&mut http, "Sok");
    let form = format!("name=Dara&password={}", PASSWORD.replace(' ', "+"));
    let answer = http.post("/login", &form).with("cookie", &planted).send().expect(303);
    assert_ne!(answer.cookie(), planted);
    http.get("/").with("cookie", &planted).send().expect(401);
}

#[test]
fn a_reader_changes_nothing_and_nobody_changes_anything_from_elsewhere() {
    let desk = with_people();
    let served = Served::start(&desk, &[]);
    let mut http = served.http();
    let reader = signed_in(&mut http, "Sok");
    let operator = signed_in(&mut http, "Dara");
    let csrf = http.get("/").with("cookie", &reader).send().expect(200).csrf();
    let paths = ["/", "/batches", "/batches/june/start", "/batches/june/pause", "/upload", "/x"];
    for path in paths {
        let form = format!("csrf={csrf}");
        http.post(path, &form).with("cookie", &reader).send().expect(403);
        http.post(path, "").send().expect(401);
        // A page of somebody else, whatever the browser tells of it.
        for (name, value) in [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("origin", ""),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let ask = http.post(path, &form).with("cookie", &operator);
            ask.with(name, value).send().expect(403);
        }
    }
    let from_elsewhere =
        http.post("/login", "name=Dara&password=x").with("origin", "http://a.example");
    from_elsewhere.send().expect(403);
    let (_desk, served) = with_tokens(&[]);
    let mut http = served.http();
    for path in paths {
        http.post(path, "").bearer(READ_TOKEN).send().expect(403);
        assert!([404, 405].contains(&http.post("/x", "").bearer(TOKEN).send().status));
    }
}

#[test]
fn passwords_are_tried_a_few_times_only_and_a_token_is_never_kept_out() {
    let mut desk = with_people();
    Served::with_tokens(&mut desk);
    let served = Served::start(&desk, &[]);
    let mut http = served.http();
    let wrong = "name=Dara&password=wrong+wrong+wrong";
    let statuses: Vec<_> = (0..14).map(|_| http.post("/login", wrong).send().status).collect();
    assert_eq!(statuses[..10], [401; 10]);
    assert!(statuses[10..].contains(&429), "{statuses:?}");
    let answer = http.post("/login", &format!("name=&password={TOKEN}")).send().expect(303);
    http.get("/").with("cookie", &answer.cookie()).send().expect(200);
}

#[test]
fn after_signing_in_nobody_is_sent_to_another_server() {
    let (_desk, served) = with_tokens(&[]);
    let mut http = served.http();
    for (next, location) in [
        ("%2Fbatches%2Fjune%3Fpage%3D2", "/batches/june?page=2"),
        ("http%3A%2F%2Fevil.example", "/"),
        ("%2F%2Fevil.example", "/"),
        ("%2F%5Cevil.example", "/"),
        ("%2F%09%2Fevil.example", "/"),
        ("", "/"),
    ] {
        let form = format!("password={TOKEN}&next={next}");
        let answer = http.post("/login", &form).send().expect(303);
        assert_eq!(answer.header("location"), Some(location), "{next}");
    }
}

#[test]
fn every_answer_tells_the_browser_to_trust_nobody_else() {
    let (_desk, served) = with_tokens(&[]);
    let mut http = served.http();
    let notify = "/notify/0000";
    for (path, status) in
        [("/", 200), ("/login", 200), ("/nowhere", 404), ("/healthz", 200), (notify, 404)]
    {
        let answer = http.get(path).bearer(READ_TOKEN).send().expect(status);
        for (name, value) in GUARDS {
            assert_eq!(answer.header(name), Some(value), "{path}: {name}");
        }
        for place in ["style=", "onclick", "<script>", "<style", "http://", "https://"] {
            assert!(!answer.body.contains(place), "{path}: {place} in {}", answer.body);
        }
    }
    for answer in [
        http.get("/").send().expect(401),
        http.post("/x", "").with("origin", "").send().expect(403),
        http.get("/").with("host", "evil.example").send().expect(421),
    ] {
        assert!(answer.header("content-security-policy").is_some(), "{answer:?}");
    }
}

#[test]
fn a_name_that_somebody_pointed_at_us_is_none_of_ours() {
    let (_desk, served) = with_tokens(&["--public-url", "https://pay.example.com"]);
    let mut http = served.http();
    for (host, status) in [
        ("evil.example", 421),
        ("pay.example.com.evil.example", 421),
        ("", 400),
        ("localhost.evil.example:8080", 421),
        ("localhost:8080", 303),
        ("127.0.0.1", 303),
        ("[::1]:8080", 303),
        ("pay.example.com", 303),
        ("PAY.example.com:443", 303),
    ] {
        // A number alone says nothing of whose machine it is, and cannot be pointed anywhere.
        let mut fresh = served.http();
        let answer = fresh.get("/").with("host", host).with("accept", "text/html").send();
        let expected = if host.is_empty() { [400, 421] } else { [status, status] };
        assert!(expected.contains(&answer.status), "{host}: {answer:?}");
    }
    // Behind TLS a cookie never travels without it.
    let form = format!("password={TOKEN}");
    let ask = http.post("/login", &form).with("host", "pay.example.com");
    let answer = ask.with("origin", "https://pay.example.com").send().expect(303);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-payout-") && cookie.ends_with("; Secure"), "{cookie}");
}

#[test]
fn what_is_too_long_is_not_read() {
    let (_desk, served) = with_tokens(&[]);
    let long = "a".repeat(128 * 1024);
    let answer = served.http().post("/login", &format!("password={long}")).send();
    assert!([400, 413].contains(&answer.status), "{answer:?}");
    served.http().get(&format!("/{long}")).send().expect(431);
}

#[test]
fn a_link_is_not_for_whoever_collects_logs() {
    let refused = Desk::new().payout(&["serve", "--log-format", "json"]).expect(2);
    assert!(!refused.stderr.contains("link="), "{}", refused.stderr);
}
