//! The little of HTTP that the stub reads.

/// A request that is there as a whole.
pub(super) struct Whole<'a> {
    pub(super) path: &'a [u8],
    pub(super) body: &'a [u8],
    /// Its length with everything.
    pub(super) length: usize,
}

/// The first request in `bytes`, once all of it is there.
pub(super) fn first_request(bytes: &[u8]) -> Option<Whole<'_>> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let mut lines = bytes[..head].split(|&byte| byte == b'\n');
    let path = lines.next()?.split(|&byte| byte == b' ').nth(1)?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_at_checked("content-length:".len())?;
        let value = std::str::from_utf8(value).ok()?.trim();
        name.eq_ignore_ascii_case(b"content-length:").then(|| value.parse::<usize>().ok())?
    });
    let (start, end) = (head + 4, head + 4 + length.unwrap_or(0));
    Some(Whole { path, body: bytes.get(start..end)?, length: end })
}
