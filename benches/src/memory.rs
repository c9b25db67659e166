//! The most memory that a process ever had resident, as Linux counts it.

use std::fs;

/// That of a process, in KiB. `None` where there is no such process any more, or no Linux.
#[must_use]
pub fn peak_kib(process: u32) -> Option<u64> {
    peak(&fs::read_to_string(format!("/proc/{process}/status")).ok()?)
}

/// That of this process.
#[must_use]
pub fn own_peak_kib() -> Option<u64> {
    peak_kib(std::process::id())
}

fn peak(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    value.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_what_linux_says() {
        let status = "Name:\tx\nVmPeak:\t  99000 kB\nVmHWM:\t   12345 kB\nVmRSS:\t 10 kB\n";
        assert_eq!(peak(status), Some(12_345));
        assert_eq!(peak("Name:\tx\n"), None);
    }
}
