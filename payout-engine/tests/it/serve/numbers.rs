//! What programs read: metrics, health, traces.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use kess_sandbox::Sandbox;

use super::process::{READ_TOKEN, Served, TOKEN, until};
use crate::command::{Desk, row, rows};

/// Reads a page of metrics as strictly as the format is written down: every sample belongs to a
/// metric that was introduced before it, and none comes twice.
#[track_caller]
fn parse(text: &str) -> BTreeMap<String, String> {
    let mut kinds = BTreeMap::new();
    let mut samples = BTreeMap::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}");
            assert!(kind != "counter" || name.ends_with("_total"), "{line}");
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap();
        let name = sample.split('{').next().unwrap();
        let is_name = |it: &str| it.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(is_name(name), "{line}");
        assert!(value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'), "{line}");
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let known = kinds.contains_key(name)
            || base.is_some_and(|it| kinds.get(it).is_some_and(|kind| kind == "histogram"));
        assert!(known, "{line}");
        if let Some(labels) = sample.strip_prefix(name).filter(|labels| !labels.is_empty()) {
            assert!(labels.starts_with('{') && labels.ends_with("\"}"), "{line}");
        }
        assert!(samples.insert(sample.to_owned(), value.to_owned()).is_none(), "twice: {line}");
    }
    samples
}

/// A batch with rows that were paid, that failed, and that are held.
fn mixed(sandbox: &Sandbox) -> Desk {
    let mut desk = Desk::at(sandbox);
    Served::with_tokens(&mut desk);
    let mut all = rows(5);
    all.push(row(6, "0404"));
    desk.write_rows("june.csv", &all);
    let run = desk.payout(&["run", "june.csv", "--yes", "--batch", "june"]);
    assert!([Some(0), Some(4)].contains(&run.code), "{}", run.stderr);
    desk
}

#[test]
fn metrics_agree_with_the_store_and_name_nobody() {
    let sandbox = Sandbox::start().unwrap();
    let desk = mixed(&sandbox);
    let served = Served::start(&desk, &[]);
    let text = served.http().get("/metrics").bearer(READ_TOKEN).send().expect(200);
    assert_eq!(text.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let samples = parse(&text.body);
    let status = desk.payout(&["status", "june", "--json"]).json();
    for (outcome, count) in status["counts"].as_object().unwrap() {
        let name = format!("payout_rows{{state=\"finished\",outcome=\"{outcome}\"}}");
        let counted = samples.get(&name).map_or("0", String::as_str);
        assert_eq!(counted, count.to_string(), "{name}");
    }
    let mut paid = 0;
    for row in desk.report(&["june"]).iter().filter(|row| row["status"] == "paid") {
        paid += row["amount"].as_str().unwrap().replace('.', "").parse::<u64>().unwrap();
    }
    let paid = format!("{}.{:02}", paid / 100, paid % 100);
    assert_eq!(samples["payout_money{currency=\"USD\",outcome=\"paid\"}"], paid);
    assert_eq!(samples["payout_batches{state=\"finished\"}"], "1");
    assert_eq!(samples["payout_gateway_calls_in_flight"], "0");
    assert!(samples.contains_key("process_start_time_seconds"));
    for personal in ["june", "Dara", "Sok", "P-0001", "example.com", "1234"] {
        assert!(!text.body.contains(personal), "{personal}");
    }
}

#[test]
fn metrics_are_for_those_who_are_known_unless_that_was_asked_for() {
    let mut desk = Desk::new();
    Served::with_tokens(&mut desk);
    let served = Served::start(&desk, &[]);
    served.http().get("/metrics").send().expect(401);
    served.http().get("/metrics").bearer(TOKEN).send().expect(200);
    let open = Served::start(&desk, &["--metrics-open"]);
    parse(&open.http().get("/metrics").send().expect(200).body);
    for token in ["", "any-any-any-any-any-any-any-any-any-any"] {
        let ask = open.http().get("/metrics").bearer(token).with("host", "evil.example").send();
        ask.expect(421);
    }
    // Prometheus may know us by whatever name it likes, as long as it has a token.
    open.http().get("/metrics").bearer(READ_TOKEN).with("host", "payout").send().expect(200);
}

#[test]
fn a_store_that_goes_away_is_noticed() {
    let desk = Desk::new();
    let served = Served::start(&desk, &[]);
    let ready = |status| served.http().get("/readyz").send().status == status;
    until("it is ready", || ready(200));
    fs::rename(desk.path("payout.db"), desk.path("gone.db")).unwrap();
    until("it noticed", || ready(503));
    let answer = served.http().get("/readyz").with("host", "probe.example").send().expect(503);
    assert!(answer.body.contains("the store's file is gone"), "{answer:?}");
    assert!(!answer.body.contains("payout.db"), "{answer:?}");
    served.http().get("/healthz").send().expect(200);
    fs::rename(desk.path("gone.db"), desk.path("payout.db")).unwrap();
    until("it is ready again", || ready(200));
}

/// A collector of traces that keeps what it is sent.
fn collector() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (send, received) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Some(sent) = collect(&mut stream.unwrap()) else { continue };
            if send.send(sent).is_err() {
                return;
            }
        }
    });
    (endpoint, received)
}

/// One request: its head and its body.
fn collect(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut part = [0; 4_096];
    loop {
        let read = stream.read(&mut part).ok().filter(|read| *read > 0)?;
        all.extend_from_slice(&part[..read]);
        let Some(end) = all.windows(4).position(|it| it == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(all[..end].to_vec()).unwrap().to_ascii_lowercase();
        let (_, rest) = head.split_once("content-length: ").unwrap();
        let length: usize = rest.lines().next().unwrap().parse().unwrap();
        if all.len() >= end + 4 + length {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(answer).unwrap();
            return Some((head, all.split_off(end + 4)));
        }
    }
}

fn holds(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn spans_of_requests_calls_and_runs_arrive_and_name_nobody() {
    let (endpoint, received) = collector();
    let sandbox = Sandbox::start().unwrap();
    let mut desk = Desk::at(&sandbox);
    Served::with_tokens(&mut desk);
    desk.write_rows("june.csv", &rows(3));
    desk.payout(&["run", "june.csv", "--yes", "--batch", "june", "--hand-over"]);
    desk.set("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint);
    let mut served = Served::start(&desk, &[]);
    until("the batch is finished", || served.metric("payout_batches{state=\"finished\"}") == 1);
    let mut http = served.http();
    http.get("/healthz").send().expect(200);
    http.get("/notify/a-secret-of-somebody").send().expect(404);
    http.get("/metrics?name=Dara").bearer(TOKEN).send().expect(200);
    served.signal("TERM");
    assert_eq!(served.ended(), Some(0));
    let (mut heads, mut bodies) = (Vec::new(), Vec::new());
    // It sent what it had before it ended; the collector reads that at its leisure.
    while let Ok((head, body)) = received.recv_timeout(Duration::from_secs(2)) {
        heads.push(head);
        bodies.extend(body);
    }
    assert!(!heads.is_empty());
    for head in heads {
        assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
        assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    }
    for text in ["http request", "/healthz", "/notify/{secret}", "/metrics", "service.name"] {
        assert!(holds(&bodies, text), "{text}");
    }
    for text in ["gateway call", "verifybankaccount", "withdraw", "batch"] {
        assert!(holds(&bodies, text), "{text}");
    }
    for text in ["a-secret-of-somebody", "Dara", "P-0001", "june", "dara.1@example.com", TOKEN] {
        assert!(!holds(&bodies, text), "{text}");
    }
}
