use flate2::{Decompress, FlushDecompress, Status};

use crate::dialect::encoding::Compression;
use crate::unreadable::Unreadable;

/// The largest window of deflate (RFC 1951) as a power of two.
const WINDOW_BITS: u8 = 15;

/// Members one after another (RFC 1952), and zeros behind the last, as gzip(1) takes it.
#[derive(Default)]
pub(super) struct Gzip {
    place: Place,
}

#[derive(Default)]
enum Place {
    #[default]
    Start,
    /// Checks its checksum and length at its end.
    Member(Decompress),
    AfterMember,
    Padding,
}

impl Gzip {
    /// Fills `text` as far as `data` goes, and says how far that is.
    pub(super) fn read(&mut self, data: &mut &[u8], text: &mut [u8]) -> Result<usize, Unreadable> {
        let mut length = 0;
        while length < text.len() {
            let before = (data.len(), length);
            match &mut self.place {
                Place::Member(member) => {
                    let ended;
                    (length, ended) = inflate(member, data, text, length)?;
                    if ended {
                        self.place = Place::AfterMember;
                    }
                }
                place => {
                    let Some(&byte) = data.first() else { break };
                    *place = match (&*place, byte) {
                        (Place::Start | Place::AfterMember, 0x1f) => {
                            Place::Member(Decompress::new_gzip(WINDOW_BITS))
                        }
                        (Place::AfterMember | Place::Padding, 0) => {
                            *data = &data[1..];
                            Place::Padding
                        }
                        (Place::Start, _) => {
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

    pub(super) fn finish(&self) -> Result<(), Unreadable> {
        match self.place {
            Place::Member(_) => Err(Unreadable::Truncated { compression: Compression::Gzip }),
            Place::Start | Place::AfterMember | Place::Padding => Ok(()),
        }
    }
}

/// How far `text` is filled then, and whether that was the end of the member.
fn inflate(
    member: &mut Decompress,
    data: &mut &[u8],
    text: &mut [u8],
    length: usize,
) -> Result<(usize, bool), Unreadable> {
    let before = (member.total_in(), member.total_out());
    let status = member.decompress(data, &mut text[length..], FlushDecompress::None).map_err(|error| {
        Unreadable::Damaged {
            compression: Compression::Gzip,
            problem: error.message().unwrap_or("no gzip data").to_owned(),
        }
    })?;
    *data = &data[(member.total_in() - before.0) as usize..];
    let length = length + (member.total_out() - before.1) as usize;
    Ok((length, status == Status::StreamEnd))
}
