use flate2::{Decompress, FlushDecompress, Status};

use crate::dialect::compression::Compression;
use crate::unreadable::Unreadable;

/// The largest window of deflate (RFC 1951) as a power of two.
const WINDOW_BITS: u8 = 15;

/// A sequence of members (RFC 1952). Zeros may follow the last one, as in gzip(1).
#[derive(Default)]
pub(super) struct Gzip {
    state: GzipState,
}

#[derive(Default)]
enum GzipState {
    #[default]
    Start,
    /// It checks its checksum and its length at its end.
    Member(Decompress),
    AfterMember,
    Padding,
}

impl Gzip {
    /// Fills `text` with what is in `data`, and returns the length.
    pub(super) fn decompress(&mut self, data: &mut &[u8], text: &mut [u8]) -> Result<usize, Unreadable> {
        let mut length = 0;
        while length < text.len() {
            let before = (data.len(), length);
            match &mut self.state {
                GzipState::Member(member) => {
                    let ended;
                    (length, ended) = inflate_member(member, data, text, length)?;
                    if ended {
                        self.state = GzipState::AfterMember;
                    }
                }
                state => {
                    let Some(&byte) = data.first() else { break };
                    *state = match (&*state, byte) {
                        (GzipState::Start | GzipState::AfterMember, 0x1f) => {
                            GzipState::Member(Decompress::new_gzip(WINDOW_BITS))
                        }
                        (GzipState::AfterMember | GzipState::Padding, 0) => {
                            *data = &data[1..];
                            GzipState::Padding
                        }
                        (GzipState::Start, _) => {
                            return Err(Unreadable::NotCompressed { compression: Compression::Gzip });
                        }
                        _ => return Err(Unreadable::TrailingBytes { compression: Compression::Gzip }),
                    };
                    continue;
                }
            }
            if before == (data.len(), length) {
                break;
            }
        }
        Ok(length)
    }

    pub(super) fn check_end(&self) -> Result<(), Unreadable> {
        match self.state {
            GzipState::Member(_) => Err(Unreadable::Truncated { compression: Compression::Gzip }),
            GzipState::Start | GzipState::AfterMember | GzipState::Padding => Ok(()),
        }
    }
}

/// Fills `text` from `length` on. Returns the new length, and whether the member has ended.
fn inflate_member(
    member: &mut Decompress,
    data: &mut &[u8],
    text: &mut [u8],
    length: usize,
) -> Result<(usize, bool), Unreadable> {
    let before = (member.total_in(), member.total_out());
    let status = member.decompress(data, &mut text[length..], FlushDecompress::None).map_err(|error| {
        Unreadable::Damaged {
            compression: Compression::Gzip,
            problem: error.message().unwrap_or("not gzip data").to_owned(),
        }
    })?;
    *data = &data[(member.total_in() - before.0) as usize..];
    let length = length + (member.total_out() - before.1) as usize;
    Ok((length, status == Status::StreamEnd))
}
