//! Nothing sensitive where people or logs look, even if the gateway echoes all it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use kess_sandbox::Sandbox;
use sqlx::{ConnectOptions, Row, sqlite::SqliteConnectOptions};

use crate::command::{Desk, rows};

/// A gateway that refuses everything and repeats, in its message, what it was sent: the header with
/// the token, and the body with the account, the names and the signature.
fn echo(listener: TcpListener) {
    let calls = AtomicUsize::new(0);
    for stream in listener.incoming() {
        // A client that hung up is no reason to end.
        let _ = stream.and_then(|stream| answer(stream, calls.fetch_add(1, Ordering::SeqCst)));
    }
}

fn answer(stream: TcpStream, call: usize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut heading, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        heading.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let said = format!("cannot do {} {}", heading.trim(), String::from_utf8_lossy(&body));
    let (status, reply) = if heading.starts_with("POST /oauth/token") {
        ("200 OK", serde_json::json!({"access_token": TOKEN, "expires_in": 1800}))
    } else {
        let refused = serde_json::json!({"success": false, "message": said,
            "error": {"code": "VALIDATION_ERROR", "message": said}, "code": "VALIDATION_ERROR"});
        (["400 Bad Request", "500 Oops", "422 No"][call % 3], refused)
    };
    let reply = reply.to_string();
    let length = reply.len();
    write!(
        &stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{reply}"
    )
}

const TOKEN: &str = "a-token-that-nobody-should-see";

#[test]
fn nothing_that_the_gateway_echoes_reaches_a_terminal_a_log_or_the_books() {
    let sandbox = Sandbox::start().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || echo(listener));
    let mut desk = Desk::at(&sandbox);
    desk.set("KESS_BASE_URL", &format!("http://{address}"));
    desk.set("RUST_LOG", "trace");
    desk.write_rows("june.csv", &rows(12));
    let access = sandbox.credentials();
    let mut sensitive = vec![TOKEN.to_owned(), "012345678".to_owned()];
    for secret in [&access.client_secret, &access.password, &access.api_secret] {
        sensitive.push(secret.clone());
    }
    for number in 1..=12 {
        sensitive.push(format!("00{number:03}1234"));
        sensitive.push(format!("dara.{number}@example.com"));
    }
    let clean = |place: &str, text: &str| {
        for value in &sensitive {
            assert!(!text.contains(value), "{place} shows {value}: {text}");
        }
    };
    let run = ["run", "june.csv", "--yes", "--batch", "june", "-v", "--progress", "lines"];
    for args in [
        &run[..],
        &["resume", "june", "-v"],
        &["resume", "june", "--json", "-v"],
        &["status", "june"],
        &["list"],
        &["otp", "june"],
        &["report", "june", "--format", "json"],
        &["report", "june", "--format", "html"],
        &["reconcile", "june", "-v"],
        &["audit", "june"],
        &["doctor"],
        &["cancel", "june", "--yes", "-v"],
    ] {
        let ended = desk.payout(args);
        clean(&format!("{args:?} on stdout"), &ended.stdout);
        clean(&format!("{args:?} on stderr"), &ended.stderr);
    }
    for (place, text) in texts_in(&desk.path("payout.db")) {
        clean(&place, &text);
    }
}

/// Every text in the store, but for the columns that are there to hold personal data.
fn texts_in(store: &std::path::Path) -> Vec<(String, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut shell = SqliteConnectOptions::new().filename(store).connect().await.unwrap();
        let columns: Vec<(String, String)> = sqlx::query_as(
            "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c \
             WHERE m.type = 'table' AND m.name <> 'payees' AND c.type = 'TEXT'",
        )
        .fetch_all(&mut shell)
        .await
        .unwrap();
        assert!(columns.len() > 20, "{columns:?}");
        let mut found = Vec::new();
        for (table, column) in columns {
            let select = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL");
            let rows =
                sqlx::query(sqlx::AssertSqlSafe(select)).fetch_all(&mut shell).await.unwrap();
            for row in rows {
                found.push((format!("{table}.{column}"), row.get::<String, _>(0)));
            }
        }
        found
    })
}
