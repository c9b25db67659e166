//! A server that a test started, and what it told.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::Child;
use std::time::{Duration, Instant};

use super::http::Http;
use crate::command::{Desk, signal};

/// A token of an operator, and one of a reader.
pub(crate) const TOKEN: &str = "operator-operator-operator-operator";
pub(crate) const READ_TOKEN: &str = "reader-reader-reader-reader-reader";

/// No condition takes longer to come true, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server. It is killed when it is dropped.
pub(crate) struct Served {
    child: Child,
    pub(crate) address: SocketAddr,
    /// What it told before it listened.
    pub(crate) told: Vec<String>,
}

impl Served {
    /// Starts `payout serve` with these arguments, on a free port unless they name one.
    pub(crate) fn start(desk: &Desk, args: &[&str]) -> Self {
        let mut all = vec!["serve"];
        if !args.contains(&"--listen") {
            all.extend(["--listen", "127.0.0.1:0"]);
        }
        all.extend(args);
        let mut child = desk.spawn(&all);
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut told = Vec::new();
        let address = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {told:?}")).unwrap();
            let address = line.strip_prefix("listening on http://").map(str::to_owned);
            told.push(line);
            if let Some(address) = address {
                break address.split(';').next().unwrap().parse().unwrap();
            }
        };
        // Somebody has to read what it tells later.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, told }
    }

    /// A desk whose server lets the two tokens in.
    pub(crate) fn with_tokens(desk: &mut Desk) {
        desk.set("PAYOUT_SERVE_TOKEN", TOKEN);
        desk.set("PAYOUT_SERVE_READ_TOKEN", READ_TOKEN);
    }

    pub(crate) fn http(&self) -> Http {
        Http::to(self.address)
    }

    /// What follows these words in what it told.
    #[track_caller]
    pub(crate) fn told(&self, words: &str) -> String {
        let line = self.told.iter().find_map(|line| line.split_once(words));
        line.unwrap_or_else(|| panic!("{:?}", self.told)).1.to_owned()
    }

    /// The path that the gateway is to send notices to.
    #[track_caller]
    pub(crate) fn notify_path(&self) -> String {
        let url = self.told("notify_url: ");
        format!("/notify/{}", url.split_once("/notify/").unwrap().1)
    }

    /// The number of a metric with exactly these labels; 0 where it is not there.
    pub(crate) fn metric(&self, metric: &str) -> u64 {
        let text = self.http().get("/metrics").bearer(READ_TOKEN).send().expect(200).body;
        let found = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
        found.map_or(0, |number| number.parse().unwrap())
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits for its end; its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
