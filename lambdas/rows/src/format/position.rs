use memchr::memchr_iter;
use restctl_contract::load::Position;

/// The place behind this text, which stands at `position`.
pub(crate) fn after(position: Position, text: &[u8]) -> Position {
    Position {
        offset: position.offset + text.len() as u64,
        line: position.line + memchr_iter(b'\n', text).count() as u64,
    }
}
