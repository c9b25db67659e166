//! Certainty, on real sockets: after each kind of failure, may the request have arrived?

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use kess_gateway::transport::{
    HttpRequest, HttpResponse, HttpTransport, HttpTransportOptions, Sent, Transport,
    TransportError, TransportErrorKind,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn post(address: SocketAddr, timeout: Duration) -> Result<HttpResponse, TransportError> {
    let transport = HttpTransport::new(&HttpTransportOptions::default()).unwrap();
    transport.send(request(address, timeout)).await
}

fn request(address: SocketAddr, timeout: Duration) -> HttpRequest {
    HttpRequest {
        url: format!("http://{address}/api").parse().unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{\"hello\":1}"),
        timeout,
    }
}

const LONG: Duration = Duration::from_secs(30);

/// Serves connections one after the other, and sends one request.
async fn against<F: Future<Output = ()> + Send>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> Result<HttpResponse, TransportError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        loop {
            serve(listener.accept().await.unwrap().0).await;
        }
    };
    tokio::select! {
        response = post(address, LONG) => response,
        () = server => unreachable!("the server goes on for ever"),
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"{\"hello\":1}") {
        assert_ne!(stream.read_buf(&mut text).await.unwrap(), 0, "the request ended early");
    }
    String::from_utf8(text).unwrap()
}

fn verdict(result: Result<HttpResponse, TransportError>) -> (Sent, TransportErrorKind) {
    let error = result.unwrap_err();
    (error.sent, error.kind)
}

#[tokio::test]
async fn a_whole_answer_arrives_with_its_status_headers_and_bytes() {
    let response = against(|mut stream| async move {
        let request = read_request(&mut stream).await.to_lowercase();
        assert!(request.starts_with("post /api http/1.1"));
        assert!(request.contains("content-length: 11"), "{request}");
        assert!(!request.contains("transfer-encoding"));
        let answer = "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}";
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await
    .unwrap();
    assert_eq!((response.status, &response.body[..]), (429, &b"{}"[..]));
    assert_eq!(response.headers["retry-after"], "7");
}

#[tokio::test]
async fn a_refused_connection_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let result = post(address, LONG).await;
    assert_eq!(verdict(result), (Sent::No, TransportErrorKind::Connect));
}

#[tokio::test]
async fn a_server_that_hangs_up_after_reading_may_have_acted() {
    let result = against(|mut stream| async move {
        read_request(&mut stream).await;
    })
    .await;
    assert_eq!(verdict(result), (Sent::Maybe, TransportErrorKind::Closed));
}

#[tokio::test]
async fn a_server_that_hangs_up_before_reading_is_in_doubt_at_most() {
    let result = against(|stream| async move { drop(stream) }).await;
    let (_, kind) = verdict(result);
    // Whether our bytes were on their way is a race; both verdicts are true in their case.
    assert_eq!(kind, TransportErrorKind::Closed);
}

#[tokio::test]
async fn an_answer_cut_after_its_headers_may_have_been_acted_on() {
    let result = against(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n").await.unwrap();
    })
    .await;
    assert_eq!(verdict(result), (Sent::Maybe, TransportErrorKind::Closed));
}

#[tokio::test]
async fn an_answer_cut_in_its_body_may_have_been_acted_on() {
    let result = against(|mut stream| async move {
        read_request(&mut stream).await;
        let half = b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"success\":tr";
        stream.write_all(half).await.unwrap();
    })
    .await;
    assert_eq!(verdict(result), (Sent::Maybe, TransportErrorKind::Closed));
}

#[tokio::test]
async fn an_answer_cut_in_a_chunk_may_have_been_acted_on() {
    let result = against(|mut stream| async move {
        read_request(&mut stream).await;
        let half = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"su";
        stream.write_all(half).await.unwrap();
    })
    .await;
    assert_eq!(verdict(result), (Sent::Maybe, TransportErrorKind::Closed));
}

#[tokio::test]
async fn silence_after_reading_is_a_timeout_in_doubt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        result = post(address, Duration::from_secs(1)) => {
            assert_eq!(verdict(result), (Sent::Maybe, TransportErrorKind::Timeout));
        }
        () = server => unreachable!("the server says nothing for ever"),
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_time_that_was_over_before_the_connection_sent_nothing() {
    // Linux leaves a connection unanswered while the queue of those not yet accepted is full.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let _fills_the_queue = TcpStream::connect(address).await.unwrap();
    let result = post(address, Duration::from_millis(100)).await;
    assert_eq!(verdict(result), (Sent::No, TransportErrorKind::Timeout));
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_was_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        }
    };
    let mut secure = request(address, LONG);
    secure.url.set_scheme("https").unwrap();
    let transport = HttpTransport::new(&HttpTransportOptions::default()).unwrap();
    tokio::select! {
        result = transport.send(secure) => {
            assert_eq!(verdict(result), (Sent::No, TransportErrorKind::Connect));
        }
        () = server => unreachable!("the server goes on for ever"),
    }
}

/// The environment of a process cannot be changed safely, so this test runs itself in another one.
#[tokio::test]
async fn nothing_for_this_machine_goes_through_a_proxy() {
    const CHILD: &str = "KESS_TEST_BEHIND_A_PROXY";
    if std::env::var_os(CHILD).is_none() {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "transport::nothing_for_this_machine_goes_through_a_proxy"]);
        child.env(CHILD, "1").env_remove("NO_PROXY").env_remove("no_proxy");
        for name in ["http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
            // Nobody listens there.
            child.env(name, "http://127.0.0.1:1");
        }
        let ran = child.output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
        std::future::pending::<()>().await;
    };
    let transport = HttpTransport::plain(&HttpTransportOptions::default()).unwrap();
    tokio::select! {
        response = transport.send(request(address, LONG)) => {
            assert_eq!(response.unwrap().status, 200);
        }
        () = server => unreachable!("the server waits for ever"),
    }
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let result = against(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let blank = vec![b' '; 1024 * 1024];
        while stream.write_all(&blank).await.is_ok() {}
    })
    .await;
    assert_eq!(verdict(result), (Sent::Maybe, TransportErrorKind::TooLarge));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let response = against(|mut stream| async move {
        read_request(&mut stream).await;
        let answer =
            "HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await
    .unwrap();
    assert_eq!(response.status, 307);
}

#[tokio::test]
async fn connections_are_reused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // One connection only is ever accepted; the second request must come through it.
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..2 {
            read_request(&mut stream).await;
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
            stream.write_all(answer).await.unwrap();
        }
        std::future::pending::<()>().await;
    };
    let client = async {
        let transport = HttpTransport::new(&HttpTransportOptions::default()).unwrap();
        for _ in 0..2 {
            let response = transport.send(request(address, LONG)).await.unwrap();
            assert_eq!(response.status, 200);
        }
    };
    tokio::select! {
        () = client => {}
        () = server => unreachable!("the server waits for ever"),
    }
}
