//! `deploy/`: what cannot be started in a test is held against what it speaks of.
//!
//! systemd itself judges the units where it is at hand. Everywhere: the commands that units and
//! containers start exist, and what keeps a service from harm, or stops it in time, is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::Desk;

/// Where units and containers look for the program.
const INSTALLED: &str = "/usr/local/bin/payout";
const UNITS: [(&str, &str); 2] =
    [("payout-worker.service", "worker"), ("payout-serve.service", "serve")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Settings of a unit, by section; one that stands several times has several values.
fn settings(unit: &str) -> BTreeMap<(String, String), Vec<String>> {
    let mut section = String::new();
    let mut settings = BTreeMap::<_, Vec<String>>::new();
    for line in unit.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.to_owned();
            continue;
        }
        let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("no setting: {line}"));
        let key = (section.clone(), name.to_owned());
        settings.entry(key).or_default().push(value.to_owned());
    }
    settings
}

/// The words after the program's name: a command and its flags, which have to exist.
fn assert_known(words: &[&str]) {
    let desk = Desk::new();
    let help = desk.payout(&[words[0], "--help"]).expect(0).stdout;
    for flag in words.iter().filter(|word| word.starts_with("--")) {
        assert!(help.contains(flag), "`payout {}` has no {flag}", words[0]);
    }
}

#[test]
fn units_start_commands_that_exist_and_stop_them_in_time() {
    for (name, command) in UNITS {
        let settings = settings(&read(&format!("deploy/{name}")));
        let of = |section: &str, name: &str| {
            settings.get(&(section.to_owned(), name.to_owned())).cloned().unwrap_or_default()
        };
        let start = of("Service", "ExecStart");
        let words: Vec<_> = start[0].split(' ').collect();
        assert_eq!(words[..2], [INSTALLED, command], "{name}");
        assert_known(&words[1..]);
        for (setting, value) in [
            ("KillSignal", "SIGTERM"),
            ("TimeoutStopSec", "15"),
            ("SuccessExitStatus", "130"),
            ("Restart", "on-failure"),
            ("RestartPreventExitStatus", "2"),
            ("DynamicUser", "yes"),
            ("StateDirectory", "payout"),
            ("UMask", "0077"),
            ("LimitCORE", "0"),
            ("NoNewPrivileges", "yes"),
            ("CapabilityBoundingSet", ""),
            ("ProtectSystem", "strict"),
            ("ProtectHome", "yes"),
            ("PrivateTmp", "yes"),
            ("MemoryDenyWriteExecute", "yes"),
            ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ] {
            assert_eq!(of("Service", setting), [value], "{name}: {setting}");
        }
        // Secrets come as files that only the service sees: not as variables, not as arguments.
        let variables = ["PAYOUT_LOG_FORMAT=json", "PAYOUT_STATE_DIR=%S/payout"];
        assert_eq!(of("Service", "Environment"), variables, "{name}");
        let credentials = of("Service", "LoadCredential");
        assert!(credentials.contains(&"payout.toml:/etc/payout/payout.toml".to_owned()), "{name}");
    }
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("left out: systemd is not here");
        return;
    }
    let folder = tempfile::TempDir::new().unwrap();
    for (name, _) in UNITS {
        // It looks whether the program is there.
        let unit = read(&format!("deploy/{name}")).replace(INSTALLED, "/bin/true");
        let path = folder.path().join(name);
        fs::write(&path, unit).unwrap();
        let judge = |arguments: &[&str]| {
            let mut analyze = Command::new("systemd-analyze");
            let output = analyze.args(arguments).arg(&path).env("LC_ALL", "C").output().unwrap();
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(output.status.success(), "{name}: {text}");
            text
        };
        assert_eq!(judge(&["verify", "--man=no"]).trim(), "", "{name}");
        // In tenths: 0 is a service that can do nothing, 96 one that can do everything.
        judge(&["security", "--offline=yes", "--no-pager", "--threshold=15"]);
    }
}

#[test]
fn the_container_is_built_from_what_is_there_and_runs_without_root() {
    let file = read("deploy/Containerfile").replace("\\\n", " ");
    let lines: Vec<_> = file.lines().filter(|line| !line.starts_with('#')).collect();
    let all = |instruction: &str| -> Vec<&str> {
        lines.iter().filter_map(|line| line.strip_prefix(instruction)).map(str::trim).collect()
    };
    let mut stages = Vec::new();
    for from in all("FROM ") {
        let (image, stage) = from.split_once(" AS ").expect("every stage has a name");
        let is_pinned = image.split_once(':').is_some_and(|(_, tag)| tag.contains('.'));
        assert!(stages.contains(&image) || is_pinned, "{image} is pinned by no tag");
        assert!(!image.contains('/'), "{image} names a host");
        stages.push(stage);
    }
    assert_eq!(stages, ["build", "payout", "worker", "serve"]);
    assert!(!file.contains("://"), "it names a host");

    let built = "/src/target/release/payout";
    assert_eq!(all("COPY "), [". .", &format!("--from=build {built} {INSTALLED}")]);
    assert!(all("RUN ").iter().any(|run| run.contains("--package payout-engine --bin payout")));
    assert_eq!(all("USER "), ["10001:10001"]);
    assert_eq!(all("STOPSIGNAL "), ["SIGTERM"]);
    let json = |text: &str| -> Vec<String> { serde_json::from_str(text).unwrap() };
    assert_eq!(json(all("ENTRYPOINT ")[0]), [INSTALLED]);
    for words in all("CMD ").into_iter().map(json) {
        assert_known(&words.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let health = all("HEALTHCHECK ");
    let (_, probe) = health[0].split_once("CMD ").unwrap();
    assert_eq!(json(probe)[..2], ["bash", "-c"]);
}

#[test]
fn what_the_container_is_built_from_holds_no_store_and_no_secret() {
    let ignored = read(".containerignore");
    for pattern in
        [".git", "target", "**/*.db", "**/*.db-wal", "**/*.state", "**/payout.toml", "**/*.pem"]
    {
        assert!(ignored.lines().any(|line| line == pattern), "{pattern} is copied");
    }
    // Ignored by name, and compiled in all the same.
    for needed in ignored.lines().filter_map(|line| line.strip_prefix('!')) {
        assert!(root().join(needed).is_file(), "{needed}");
    }
}
