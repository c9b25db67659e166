//! The `payout` command as a real process, in a folder of its own and without the environment of
//! whoever runs the tests.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use kess_sandbox::Sandbox;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const HEADING: &str = "reference,first_name,last_name,phone_number,email,\
                                  bank_account_number,bic,amount,currency";

/// Pauses so short that a test does not wait for them.
const POLICY: &str = "
[policy]
settle = '100ms'
not_found_gap = '10ms'
doubt = { first = '5ms', longest = '20ms' }
processing = { first = '5ms', longest = '20ms' }
otp = { first = '5ms', longest = '20ms' }
retry = { first = '5ms', longest = '20ms' }
circuit = { first = '5ms', longest = '20ms' }
retry_after = '5ms'
";

const PAYOUT: &str = env!("CARGO_BIN_EXE_payout");

/// A working folder for the command.
pub(crate) struct Desk {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
}

/// A process that ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The one document on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {:?}\n{}", self.stdout, self.stderr))
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("payout.toml"), POLICY).unwrap();
        Self { folder, environment: Vec::new() }
    }

    /// A desk whose environment points at `sandbox`, as a merchant's would at the gateway.
    pub(crate) fn at(sandbox: &Sandbox) -> Self {
        let mut desk = Self::new();
        let access = sandbox.credentials();
        desk.environment = vec![
            ("KESS_BASE_URL", sandbox.base_url().to_owned()),
            ("KESS_CLIENT_ID", access.client_id.clone()),
            ("KESS_CLIENT_SECRET", access.client_secret.clone()),
            ("KESS_USERNAME", access.username.clone()),
            ("KESS_PASSWORD", access.password.clone()),
            ("KESS_API_SECRET_KEY", access.api_secret.clone()),
            ("KESS_SELLER_CODE", access.seller_code.clone()),
            ("KESS_PUBLIC_KEY", access.public_key_pem.clone()),
        ];
        desk
    }

    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.to_owned()));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Writes a file of `rows` in the contract's columns.
    pub(crate) fn write_rows(&self, name: &str, rows: &[String]) {
        self.write(name, &format!("{HEADING}\n{}\n", rows.join("\n")));
    }

    fn command(&self, args: &[&str]) -> Command {
        self.prepared(Command::new(PAYOUT), args)
    }

    fn prepared(&self, mut command: Command, args: &[&str]) -> Command {
        command.args(args).current_dir(self.folder.path()).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    /// Runs the command to its end.
    pub(crate) fn payout(&self, args: &[&str]) -> Ended {
        self.command(args).output().unwrap().into()
    }

    /// Runs the command to its end under another program, which takes its path and arguments last.
    pub(crate) fn payout_under(&self, program: &[&str], args: &[&str]) -> Ended {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg(PAYOUT);
        self.prepared(command, args).output().unwrap().into()
    }

    /// Starts the command and leaves it running.
    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The rows of a batch's JSON report.
    pub(crate) fn report(&self, args: &[&str]) -> Vec<Value> {
        let args = [&["report", "--format", "json"], args].concat();
        self.payout(&args).expect(0).json()["rows"].as_array().unwrap().clone()
    }
}

/// A row that is in order, to an account with these last digits.
pub(crate) fn row(number: u32, ending: &str) -> String {
    let (account, cents) = (format!("00{number:03}{ending}"), number % 100);
    format!(
        "P-{number:04},Dara,Sok,012345678,dara.{number}@example.com,{account},ABAAKHPP,\
         {number}.{cents:02},USD"
    )
}

/// `count` rows to ordinary accounts.
pub(crate) fn rows(count: u32) -> Vec<String> {
    (1..=count).map(|number| row(number, "1234")).collect()
}

/// How many rows have each outcome, those with none left out.
pub(crate) fn counts(document: &Value) -> Vec<(String, u64)> {
    let counts = document["counts"].as_object().unwrap();
    let counts = counts.iter().map(|(name, count)| (name.clone(), count.as_u64().unwrap()));
    counts.filter(|(_, count)| *count > 0).collect()
}

/// Permissions of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Sends a signal to a process that a test started.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// One HTTP exchange with a page on this machine; the body of the answer.
fn http(method: &str, url: &str, form: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let length = form.len();
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Does what a person does who gets a one-time password: opens the page, reads, types, confirms.
pub(crate) fn confirm_otp(url: &str) {
    let page = http("GET", url, "");
    let (_, rest) = page.split_once("id=\"sandbox-code\">").expect("the page shows the code");
    let (code, _) = rest.split_once('<').unwrap();
    let answer = http("POST", url, &format!("code={code}"));
    assert!(answer.contains("Confirmed"), "{answer}");
}
