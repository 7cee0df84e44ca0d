use memchr::memchr_iter;
use restctl_contract::load::Position;

/// Returns the position after this text, which is at `position`.
pub(crate) fn position_after(position: Position, text: &[u8]) -> Position {
    Position {
        offset: position.offset + text.len() as u64,
        line: position.line + memchr_iter(b'\n', text).count() as u64,
    }
}
