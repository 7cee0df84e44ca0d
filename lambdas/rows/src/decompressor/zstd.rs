use zstd_safe::zstd_sys::ZSTD_ErrorCode;
use zstd_safe::{DCtx, InBuffer, OutBuffer, get_error_name, is_error_kind};

use crate::dialect::encoding::Compression;
use crate::unreadable::Unreadable;

/// Frames one after another (RFC 8878), with windows of at most 128 MiB, zstd's own limit.
#[derive(Default)]
pub(super) struct Zstd {
    context: DCtx<'static>,
    /// Within a frame.
    open: bool,
    /// A frame has ended.
    ended: bool,
}

impl Zstd {
    /// Fills `text` as far as `data` goes, and says how far that is.
    pub(super) fn read(&mut self, data: &mut &[u8], text: &mut [u8]) -> Result<usize, Unreadable> {
        let mut text = OutBuffer::around(text);
        while self.open || !data.is_empty() {
            let mut input = InBuffer::around(data);
            let before = text.pos();
            let result = self.context.decompress_stream(&mut text, &mut input);
            let taken = input.pos();
            *data = &data[taken..];
            let left = result.map_err(|code| self.unreadable(code))?;
            self.open = left > 0;
            self.ended |= left == 0;
            if text.pos() == text.capacity() || (taken, text.pos()) == (0, before) {
                break;
            }
        }
        Ok(text.pos())
    }

    pub(super) fn finish(&self) -> Result<(), Unreadable> {
        if self.open { Err(Unreadable::Truncated { compression: Compression::Zstd }) } else { Ok(()) }
    }

    fn unreadable(&self, code: zstd_safe::ErrorCode) -> Unreadable {
        let compression = Compression::Zstd;
        if is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge) {
            return Unreadable::WindowTooLarge;
        }
        if is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_prefix_unknown) {
            return match self.ended {
                true => Unreadable::TrailingBytes { compression },
                false => Unreadable::NotCompressed { compression },
            };
        }
        Unreadable::Damaged { compression, problem: get_error_name(code).to_owned() }
    }
}
