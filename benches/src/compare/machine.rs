//! The machine on which was measured, as far as it tells.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// What is worth knowing beside a figure.
#[derive(Debug)]
pub(super) struct Machine {
    processors: usize,
    model: Option<String>,
    memory_gib: Option<u64>,
    system: Option<String>,
    file_system: Option<String>,
}

/// Describes this machine and the disk of a folder.
pub(super) fn describe(folder: &Path) -> Machine {
    let read = |path: &str| fs::read_to_string(path).ok();
    Machine {
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        model: read("/proc/cpuinfo").and_then(|text| value(&text, "model name")),
        memory_gib: read("/proc/meminfo").and_then(|text| {
            let kib: u64 = value(&text, "MemTotal")?.split(' ').next()?.parse().ok()?;
            Some(kib.div_ceil(1024 * 1024))
        }),
        system: read("/proc/sys/kernel/osrelease").map(|text| format!("Linux {}", text.trim())),
        file_system: read("/proc/mounts").and_then(|mounts| file_system(&mounts, folder)),
    }
}

/// The value of a line `name : value`.
fn value(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

/// The kind of file system that a folder is on: that of the longest mount point above it.
fn file_system(mounts: &str, folder: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((Path::new(words.next()?), words.next()?))
    });
    let above = mounts.filter(|(point, _)| folder.starts_with(point));
    above.max_by_key(|(point, _)| point.as_os_str().len()).map(|(_, kind)| kind.to_owned())
}

impl Machine {
    /// In a sentence.
    pub(super) fn sentence(&self) -> String {
        let model = self.model.as_deref().unwrap_or("unknown model");
        let mut text = format!("{} processors ({model})", self.processors);
        if let Some(gib) = self.memory_gib {
            text.push_str(&format!(", {gib} GiB of memory"));
        }
        for more in [&self.system, &self.file_system].into_iter().flatten() {
            text.push_str(&format!(", {more}"));
        }
        text
    }

    /// For machines.
    pub(super) fn json(&self) -> Value {
        json!({
            "processors": self.processors,
            "model": self.model,
            "memory_gib": self.memory_gib,
            "system": self.system,
            "file_system": self.file_system,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_tells_is_read() {
        let cpu = "processor\t: 0\nmodel name\t: A: Model\nmodel name\t: Other\n";
        assert_eq!(value(cpu, "model name").as_deref(), Some("A: Model"));
        let mounts = "a / ext4 rw 0 0\nb /tmp tmpfs rw 0 0\nc /tmp/deep xfs rw 0 0\n";
        let kind = |path| file_system(mounts, Path::new(path));
        assert_eq!(kind("/tmp/deep/er").as_deref(), Some("xfs"));
        assert_eq!(kind("/tmp/x").as_deref(), Some("tmpfs"));
        assert_eq!(kind("/home").as_deref(), Some("ext4"));
    }
}
