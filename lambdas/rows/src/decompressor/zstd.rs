use zstd_safe::zstd_sys::ZSTD_ErrorCode;
use zstd_safe::{DCtx, InBuffer, OutBuffer, get_error_name, is_error_kind};

use crate::dialect::compression::Compression;
use crate::unreadable::Unreadable;

/// A sequence of frames (RFC 8878) with windows of at most 128 MiB, which is zstd's own limit.
#[derive(Default)]
pub(super) struct Zstd {
    context: DCtx<'static>,
    in_frame: bool,
    /// Whether any frame has ended.
    after_frame: bool,
}

impl Zstd {
    /// Fills `text` with what is in `data`, and returns the length.
    pub(super) fn decompress(&mut self, data: &mut &[u8], text: &mut [u8]) -> Result<usize, Unreadable> {
        let mut text = OutBuffer::around(text);
        while self.in_frame || !data.is_empty() {
            let mut input = InBuffer::around(data);
            let before = text.pos();
            let result = self.context.decompress_stream(&mut text, &mut input);
            let taken = input.pos();
            *data = &data[taken..];
            let left = result.map_err(|code| self.to_unreadable(code))?;
            self.in_frame = left > 0;
            self.after_frame |= left == 0;
            if text.pos() == text.capacity() || (taken, text.pos()) == (0, before) {
                break;
            }
        }
        Ok(text.pos())
    }

    pub(super) fn check_end(&self) -> Result<(), Unreadable> {
        if self.in_frame { Err(Unreadable::Truncated { compression: Compression::Zstd }) } else { Ok(()) }
    }

    fn to_unreadable(&self, code: zstd_safe::ErrorCode) -> Unreadable {
        let compression = Compression::Zstd;
        if is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge) {
            return Unreadable::WindowTooLarge;
        }
        if is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_prefix_unknown) {
            return match self.after_frame {
                true => Unreadable::TrailingBytes { compression },
                false => Unreadable::NotCompressed { compression },
            };
        }
        Unreadable::Damaged { compression, problem: get_error_name(code).to_owned() }
    }
}
