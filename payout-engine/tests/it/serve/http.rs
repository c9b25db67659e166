//! HTTP/1.1 by hand, so that a test says exactly what it sends: any host, any cookie, no browser's
//! manners.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// One connection, kept for many requests.
pub(crate) struct Http {
    stream: BufReader<TcpStream>,
    host: String,
}

/// A request that is not sent yet.
pub(crate) struct Ask<'a> {
    http: &'a mut Http,
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Http {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = BufReader::new(TcpStream::connect(address).unwrap());
        Self { stream, host: address.to_string() }
    }

    pub(crate) fn get(&mut self, path: &str) -> Ask<'_> {
        self.ask("GET", path)
    }

    /// A form, as a browser sends it that shows our page.
    pub(crate) fn post(&mut self, path: &str, body: &str) -> Ask<'_> {
        let origin = format!("http://{}", self.host);
        let mut ask = self.ask("POST", path).with("origin", &origin);
        body.clone_into(&mut ask.body);
        ask.with("content-type", "application/x-www-form-urlencoded")
    }

    fn ask(&mut self, method: &'static str, path: &str) -> Ask<'_> {
        let headers = vec![("host".to_owned(), self.host.clone())];
        Ask { http: self, method, path: path.to_owned(), headers, body: String::new() }
    }
}

impl Ask<'_> {
    /// Sets a header; an empty value leaves it out.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}")).with("origin", "")
    }

    #[track_caller]
    pub(crate) fn send(self) -> Answer {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("content-length: {}\r\n\r\n{}", self.body.len(), self.body));
        // Whoever refuses a long body may answer before it has read all of it.
        let _ = self.http.stream.get_mut().write_all(text.as_bytes());
        Answer::read(&mut self.http.stream)
    }
}

impl Answer {
    #[track_caller]
    fn read(stream: &mut BufReader<TcpStream>) -> Self {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("{line:?}")).parse().unwrap();
        let mut headers = Vec::new();
        loop {
            line.clear();
            stream.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut answer = Self { status, headers, body: String::new() };
        if answer.header("transfer-encoding").is_some() {
            answer.body = chunked(stream);
            return answer;
        }
        let length = answer.header("content-length").map_or(0, |it| it.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        answer.body = String::from_utf8(body).unwrap();
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// What a browser sends back of the cookie that this answer sets.
    #[track_caller]
    pub(crate) fn cookie(&self) -> String {
        let cookie = self.header("set-cookie").unwrap_or_else(|| panic!("{self:?}"));
        cookie.split(';').next().unwrap().to_owned()
    }

    /// The token in the page's forms.
    #[track_caller]
    pub(crate) fn csrf(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"csrf\" value=\"").expect("no form");
        rest.split('"').next().unwrap().to_owned()
    }
}

fn chunked(stream: &mut BufReader<TcpStream>) -> String {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let length = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        stream.read_exact(&mut chunk).unwrap();
        if length == 0 {
            return String::from_utf8(body).unwrap();
        }
        body.extend_from_slice(&chunk[..length]);
    }
}
