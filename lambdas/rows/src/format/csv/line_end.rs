//! Lines, each of which ends with CR, LF or CRLF.

pub(super) fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Returns where the next line begins if a line ends at `end`, or `None` if the byte that decides it is missing: CR, LF
/// and CRLF each end one line.
pub(super) fn length_with_line_end(bytes: &[u8], end: usize, is_last: bool) -> Option<usize> {
    match (bytes[end], bytes.get(end + 1)) {
        (b'\r', Some(b'\n')) => Some(end + 2),
        (b'\r', None) if !is_last => None,
        _ => Some(end + 1),
    }
}

/// Returns the delimiter that a line such as `sep=;` names.
pub(crate) fn separator_of(line: &[u8]) -> Option<u8> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    match line.strip_suffix(b"\r").unwrap_or(line) {
        [s, e, p, b'=', separator] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") => Some(*separator),
        _ => None,
    }
}

/// Returns how many lines end before `offset`.
pub(super) fn count_line_ends(bytes: &[u8], offset: usize) -> u64 {
    let ends = bytes[..offset].iter().enumerate().filter(|(at, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    ends.count() as u64
}
