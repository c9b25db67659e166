//! The command line, as the contract fixes it. No secret is ever a flag.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use kess_gateway::{Amount, Currency};

use crate::admission::batch_name;
use crate::config::RunSettings;
use crate::{LogHash, NameCheck, OtpMode, Route, reason_line};

/// Pays a file of people through the KESS PAY gateway: exactly once, or tells exactly why not.
#[derive(Debug, Parser)]
#[command(name = "payout", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    every row paid
  2    usage or configuration
  3    the file was refused, nothing was sent
  4    finished; some rows failed, expired, were cancelled or are held
  5    stopped with rows that are not final; `payout resume` goes on
  6    stopped for a cause that concerns all rows; `payout resume` goes on once it is gone
  130  interrupted; `payout resume` goes on
  1    anything else

The manual of configuration and file format: docs/payout.md";

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Where batches are kept [default: sqlite://payout.db].
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    pub(crate) store: Option<String>,
    /// Configuration file [default: payout.toml, here or in a folder above].
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON document on stdout.
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
    /// How progress is shown, on stderr.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t = ProgressStyle::Auto,
        value_name = "STYLE",
        help_heading = "Global options"
    )]
    pub(crate) progress: ProgressStyle,
    /// How stderr is written.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t = LogFormat::Text,
        env = "PAYOUT_LOG_FORMAT",
        value_name = "FORMAT",
        help_heading = "Global options"
    )]
    pub(crate) log_format: LogFormat,
    /// Log more, on stderr; twice for even more.
    #[arg(
        short,
        long,
        global = true,
        action = ArgAction::Count,
        help_heading = "Global options"
    )]
    pub(crate) verbose: u8,
    /// Show errors only.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    pub(crate) quiet: bool,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressStyle {
    /// A bar on a terminal, lines elsewhere.
    Auto,
    /// A bar with rate, money and time left.
    Bar,
    /// A line for each change.
    Lines,
    /// Nothing.
    None,
}

/// How stderr is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for what collects logs; nobody is asked anything.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Validate a file: every problem at once, no network.
    Check(CheckArgs),
    /// Validate a file, write it to the store and pay it.
    Run(RunArgs),
    /// Go on where a batch stopped.
    Resume(ResumeArgs),
    /// Take part in the store's batches, together with other workers, until told to end.
    Worker,
    /// Send nothing of a batch until `resume`, whoever runs it; calls under way finish.
    Pause(PauseArgs),
    /// Show the batches in the store.
    List(ListArgs),
    /// Show how a batch stands.
    Status(BatchArgs),
    /// Show the withdrawals that wait for a one-time password: link and time left.
    Otp(BatchArgs),
    /// Write every row of a batch with its outcome.
    Report(ReportArgs),
    /// Write a commented `payout.toml` and a template of the batch file; nothing is overwritten.
    Init,
    /// Compare a batch with the gateway's ledger: lists what differs, changes nothing.
    Reconcile(BatchArgs),
    /// Prove that a batch is as its event log tells, and the log whole: exit code 0, otherwise 1.
    Audit(AuditArgs),
    /// Look whether all is there that a run needs: configuration, key, store, clock, gateway.
    Doctor,
    /// Try rows again that failed, expired or were cancelled, under new order numbers.
    Retry(RetryArgs),
    /// Send nothing more of a batch, for good, and close the orders that wait for an OTP.
    Cancel(CancelArgs),
    /// Release a held row: a person decided that it may be paid. `resume` pays it.
    Release(DecideArgs),
    /// Reject a held row: a person decided that it is not paid.
    Reject(DecideArgs),
    /// Remove personal data from a finished batch for good; amounts and outcomes stay.
    Purge(PurgeArgs),
    /// Carry a batch to another store, half-run or finished; it goes on there and nowhere else.
    Move(MoveArgs),
    /// Carry finished batches to an archive, and forget their people here.
    Archive(ArchiveArgs),
    /// Serve the operator's page, the gateway's notices and metrics.
    Serve(ServeArgs),
    /// Serve a sandbox gateway to try things out against.
    Sandbox(SandboxArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The batch file (CSV, UTF-8).
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The batch file (CSV, UTF-8).
    pub(crate) file: PathBuf,
    /// Pay through a sandbox gateway inside this process: no credentials, no real money.
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Name of the batch [default: the file's name and the time].
    #[arg(long, value_name = "NAME", value_parser = batch_name)]
    pub(crate) batch: Option<String>,
    /// Refuse the file unless it has this many rows.
    #[arg(long, value_name = "N")]
    pub(crate) expect_rows: Option<u64>,
    /// Refuse the file unless its valid rows of a currency add up to this; can be repeated.
    #[arg(long, value_name = "CUR=AMOUNT", value_parser = expected_total)]
    pub(crate) expect_total: Vec<(Currency, Amount)>,
    /// Pay the valid rows of a file that has invalid ones; the report names those.
    #[arg(long)]
    pub(crate) skip_invalid: bool,
    /// Pay rows whose reference another batch paid, may have paid or is about to pay; the reason is
    /// recorded.
    #[arg(long, value_name = "REASON", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) allow_duplicate: Option<String>,
    /// Verify every account and move nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave the paying to `payout worker`, and end as soon as the batch is in the store.
    #[arg(long, conflicts_with = "sandbox")]
    pub(crate) hand_over: bool,
    #[command(flatten)]
    pub(crate) how: HowArgs,
}

/// How a batch is paid; stored with it.
#[derive(Debug, Args)]
pub(crate) struct HowArgs {
    /// Upper bound of calls in flight [default: 64].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) concurrency: Option<u32>,
    /// Calls a second, at most [default: as many as the gateway takes].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    /// `token`: tokenize the account, then withdraw. `direct`: withdraw by account number.
    #[arg(long, value_name = "token|direct")]
    pub(crate) route: Option<Route>,
    /// What a different account holder means: nothing, a warning, or a held row [default: warn].
    #[arg(long, value_name = "off|warn|strict")]
    pub(crate) name_match: Option<NameCheck>,
    /// Wait for one-time passwords, or leave them for later [default: wait on a terminal].
    #[arg(long, value_name = "wait|detach")]
    pub(crate) otp: Option<OtpMode>,
    /// Seconds after which an unpaid order closes [default: the gateway's 1800].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) expires_in: Option<u32>,
    /// Where the gateway sends its notices.
    #[arg(long, value_name = "URL")]
    pub(crate) notify_url: Option<String>,
}

impl HowArgs {
    /// What was said, to be completed by the configuration.
    pub(crate) fn settings(&self) -> RunSettings {
        RunSettings {
            concurrency: self.concurrency,
            rate: self.rate,
            route: self.route,
            name_match: self.name_match,
            otp: self.otp,
            expires_in: self.expires_in,
            notify_url: self.notify_url.clone(),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The batch; without it, the newest unfinished one.
    pub(crate) batch: Option<String>,
    /// Go on with a batch of `run --sandbox`.
    #[arg(long)]
    pub(crate) sandbox: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Show the batches of `run --sandbox`.
    #[arg(long)]
    pub(crate) sandbox: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BatchArgs {
    /// The batch; without it, the newest one.
    pub(crate) batch: Option<String>,
    /// Look among the batches of `run --sandbox`.
    #[arg(long)]
    pub(crate) sandbox: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// The batch; without it, the newest one.
    #[arg(conflicts_with = "all")]
    pub(crate) batch: Option<String>,
    /// Every batch in the store.
    #[arg(long)]
    pub(crate) all: bool,
    /// A head that an earlier audit printed: it has to be part of the log still.
    #[arg(long, value_name = "HASH", conflicts_with = "all")]
    pub(crate) head: Option<LogHash>,
    /// Look among the batches of `run --sandbox`.
    #[arg(long)]
    pub(crate) sandbox: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// The batch; without it, the newest one.
    pub(crate) batch: Option<String>,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Try a batch of `run --sandbox` again.
    #[arg(long)]
    pub(crate) sandbox: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The batch; without it, the newest unfinished one.
    pub(crate) batch: Option<String>,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Why; recorded with the batch, together with who cancelled it.
    #[arg(long, value_name = "TEXT", value_parser = reason_line)]
    pub(crate) reason: Option<String>,
    /// Cancel a batch of `run --sandbox`.
    #[arg(long)]
    pub(crate) sandbox: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PauseArgs {
    /// The batch; without it, the newest unfinished one.
    pub(crate) batch: Option<String>,
    /// Pause a batch of `run --sandbox`.
    #[arg(long)]
    pub(crate) sandbox: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MoveArgs {
    /// The batch.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) batch: Option<String>,
    /// Every batch of the store.
    #[arg(long)]
    pub(crate) all: bool,
    /// The store that it is in [default: the store of all commands].
    #[arg(long, value_name = "URL")]
    pub(crate) from: Option<String>,
    /// The store that it goes to.
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ArchiveArgs {
    /// The batch.
    #[arg(required_unless_present = "older_than", conflicts_with = "older_than")]
    pub(crate) batch: Option<String>,
    /// Every finished batch that was begun at least this many days ago, such as 400d.
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub(crate) older_than: Option<u32>,
    /// The archive, which is a store like any other.
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PurgeArgs {
    /// The batch; without it, the newest one.
    #[arg(conflicts_with = "older_than")]
    pub(crate) batch: Option<String>,
    /// Every finished batch that was begun at least this many days ago, such as 400d.
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub(crate) older_than: Option<u32>,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Purge a batch of `run --sandbox`.
    #[arg(long)]
    pub(crate) sandbox: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    /// The batch.
    pub(crate) batch: String,
    /// The held row, by its reference in the file.
    pub(crate) reference: String,
    /// Why; recorded with the row, together with who decided.
    #[arg(long, value_name = "TEXT", value_parser = reason_line)]
    pub(crate) reason: String,
    /// Decide about a batch of `run --sandbox`.
    #[arg(long)]
    pub(crate) sandbox: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The batch; without it, the newest one.
    pub(crate) batch: Option<String>,
    /// What the report looks like.
    #[arg(long, value_enum, default_value_t = ReportFormat::Csv)]
    pub(crate) format: ReportFormat,
    /// Only the rows that certainly moved no money, as a file that `payout run` takes again.
    #[arg(long, conflicts_with = "format")]
    pub(crate) retriable: bool,
    /// Write to this file, readable for you only, instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Look among the batches of `run --sandbox`.
    #[arg(long)]
    pub(crate) sandbox: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// The file's columns and those of the outcome.
    Csv,
    /// One document, account numbers masked.
    Json,
    /// One page to look at, account numbers masked.
    Html,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// Where people and the gateway find this server, if a proxy stands in front of it.
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Show metrics to everybody on this machine; only while nobody else can reach the server.
    #[arg(long)]
    pub(crate) metrics_open: bool,
    /// Rehearse against a sandbox gateway inside this process: no credentials, no real money.
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Read a password from stdin, print the line with its hash for payout.toml, and end.
    #[arg(long)]
    pub(crate) hash_password: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    /// Port of 127.0.0.1 to listen on [default: a free one].
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Seed of credentials and chance.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Keep orders and wallets in this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Withdrawals that need a one-time password.
    #[arg(long, value_enum, default_value_t = SandboxOtp::ByAccount)]
    pub(crate) otp: SandboxOtp,
    /// Cut or fail this many calls of a thousand, of every kind.
    #[arg(long, value_name = "PER_MILLE", default_value_t = 0,
          value_parser = clap::value_parser!(u16).range(0..=900))]
    pub(crate) faults: u16,
    /// Answer every call this late, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) latency: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SandboxOtp {
    /// Those to accounts that end in 0777 or 0778.
    ByAccount,
    /// All.
    Always,
    /// None.
    Never,
}

fn expected_total(text: &str) -> Result<(Currency, Amount), String> {
    let usage = || "write CUR=AMOUNT, such as USD=12345.50 or KHR=41000".to_owned();
    let (currency, amount) = text.split_once('=').ok_or_else(usage)?;
    let currency = Currency::from(currency.trim());
    if currency.exponent().is_none() {
        return Err(format!("`{currency}` is neither USD nor KHR; {}", usage()));
    }
    let amount: Amount = amount.trim().parse().map_err(|_| usage())?;
    Ok((currency, amount))
}

fn days(text: &str) -> Result<u32, String> {
    let digits = text.strip_suffix('d').unwrap_or(text);
    digits.parse().map_err(|_| "write a number of days, such as 400d".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn expected_totals_are_read_or_refused() {
        let (currency, amount) = expected_total("USD=12345.50").unwrap();
        assert_eq!((currency, amount.to_string()), (Currency::Usd, "12345.5".to_owned()));
        for bad in ["USD", "USD=1,000", "THB=10", "=10"] {
            assert!(expected_total(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ages_are_read_or_refused() {
        assert_eq!((days("400d"), days("30")), (Ok(400), Ok(30)));
        for bad in ["", "d", "-1", "1y", "4 d", "1.5d"] {
            assert!(days(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_flag_takes_a_secret() {
        fn walk(command: &clap::Command, seen: &mut Vec<String>) {
            seen.extend(command.get_arguments().map(|arg| arg.get_id().to_string()));
            command.get_subcommands().for_each(|sub| walk(sub, seen));
        }
        let mut flags = Vec::new();
        walk(&Cli::command(), &mut flags);
        assert!(flags.contains(&"skip_invalid".to_owned()));
        let secret = |flag: &String| {
            // It says what to do with one.
            flag != "hash_password"
                && ["secret", "password", "key", "token"].iter().any(|word| flag.contains(word))
        };
        assert!(!flags.iter().any(secret), "{flags:?}");
    }
}
