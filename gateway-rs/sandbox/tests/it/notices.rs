//! Notices to `notify_url`: signed, pushed again until they are answered, never sent abroad.

use std::time::Duration;

use kess_sandbox::{NoticeState, Sandbox, SandboxClock, sign_body};
use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::raw::Raw;

/// Answers as many pushes as there are statuses, and hands back their bodies.
async fn receive(listener: TcpListener, statuses: Vec<u16>) -> Vec<String> {
    let mut bodies = Vec::new();
    for status in statuses {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = String::new();
        let mut buffer = [0_u8; 4096];
        loop {
            let count = stream.read(&mut buffer).await.unwrap();
            text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| {
                line.to_lowercase().strip_prefix("content-length: ")?.parse().ok()
            });
            if length == Some(body.len()) {
                bodies.push(body.to_owned());
                break;
            }
        }
        let reply =
            format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(reply.as_bytes()).await.unwrap();
    }
    bodies
}

fn still() -> Sandbox {
    Sandbox::builder().clock(SandboxClock::Virtual { start: 1_736_735_541 }).start().unwrap()
}

async fn withdraw_with_notice(sandbox: &Sandbox, notify_url: &str) {
    let raw = Raw::login(sandbox).await;
    let token = raw.bank_token("000123456").await;
    let mut fields = raw.withdrawal(&token, "WD-1");
    fields["notify_url"] = notify_url.into();
    raw.call("withdraw", fields).await.data();
}

#[tokio::test]
async fn a_notice_is_pushed_until_it_is_answered_and_is_signed() {
    let sandbox = still();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?a=1", listener.local_addr().unwrap());
    let receiver = tokio::spawn(receive(listener, vec![500, 204]));
    withdraw_with_notice(&sandbox, &url).await;
    sandbox.notices_settled().await;
    let after_one = sandbox.notices().pop().unwrap();
    assert_eq!((after_one.pushes, after_one.state), (1, NoticeState::Waiting));
    sandbox.advance(Duration::from_secs(15));
    sandbox.notices_settled().await;
    let after_two = sandbox.notices().pop().unwrap();
    assert_eq!((after_two.pushes, after_two.state), (2, NoticeState::Delivered));

    let bodies = receiver.await.unwrap();
    assert_eq!(bodies[0], bodies[1], "the same notice comes twice");
    let fields: Vec<(String, String)> =
        form_urlencoded::parse(bodies[0].as_bytes()).into_owned().collect();
    let value = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, v)| v.as_str());
    assert_eq!(value("status"), Some("SUCCESS"));
    assert_eq!(value("total_amount"), Some("-10.5"));
    assert_eq!(value("seller[code]"), Some(sandbox.credentials().seller_code.as_str()));
    let signed: Map<String, Value> = fields
        .iter()
        .filter(|(name, _)| !name.contains('['))
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    let sign = sign_body(&Value::Object(signed).to_string(), &sandbox.credentials().api_secret);
    assert_eq!(sign.as_deref(), value("sign"));
}

#[tokio::test]
async fn a_notice_that_nobody_takes_is_given_up() {
    let sandbox = still();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    drop(listener);
    withdraw_with_notice(&sandbox, &url).await;
    for _ in 0..6 {
        sandbox.notices_settled().await;
        sandbox.advance(Duration::from_secs(3600));
    }
    sandbox.notices_settled().await;
    let notice = sandbox.notices().pop().unwrap();
    assert_eq!((notice.pushes, notice.state), (6, NoticeState::GivenUp));
}

#[tokio::test]
async fn a_host_of_the_outside_world_is_never_called() {
    let sandbox = still();
    withdraw_with_notice(&sandbox, "https://sample.com/notifyme").await;
    sandbox.notices_settled().await;
    let notice = sandbox.notices().pop().unwrap();
    assert_eq!((notice.pushes, notice.state), (0, NoticeState::NotSent));
}
