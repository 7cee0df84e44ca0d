use memchr::memchr2;
use restctl_contract::load::Position;

/// A piece of a text, from the first byte that nobody has taken yet. A line ends with LF, CR or CRLF.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) rest: &'a [u8],
    /// Whether the text ends after this piece.
    pub(super) is_last: bool,
    pub(super) place: Place,
}

/// The place of a byte.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) position: Position,
    /// Whether the byte before it is CR, so that LF belongs to the same line end.
    after_cr: bool,
}

impl Place {
    /// `position` must not be between CR and LF.
    pub(super) fn at(position: Position) -> Self {
        Self { position, after_cr: false }
    }
}

impl<'a> Input<'a> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes bytes among which is no line end.
    pub(super) fn take_within_line(&mut self, length: usize) {
        let Some((_, rest)) = self.rest.split_at_checked(length) else { return };
        self.rest = rest;
        self.place.position.offset += length as u64;
        self.place.after_cr &= length == 0;
    }

    pub(super) fn take(&mut self, length: usize) {
        let (mut taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        while let Some(end) = memchr2(b'\n', b'\r', taken) {
            let is_cr = taken.get(end) == Some(&b'\r');
            let is_second_half = !is_cr && end == 0 && self.place.after_cr;
            self.place.position.line += u64::from(!is_second_half);
            self.take_within_line(end + 1);
            self.place.after_cr = is_cr;
            taken = taken.get(end + 1..).unwrap_or_default();
        }
        self.take_within_line(taken.len());
        self.rest = rest;
    }

    /// Takes the white space between values, and returns the byte after it, if that has come.
    pub(super) fn skip_white_space(&mut self) -> Option<u8> {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' => self.take_within_line(1),
                b'\n' | b'\r' => self.take(1),
                _ => return Some(byte),
            }
        }
        None
    }

    /// Returns whether the next byte is the LF of a CRLF.
    pub(super) fn is_within_line_end(&self) -> bool {
        self.place.after_cr && self.peek() == Some(b'\n')
    }

    pub(super) fn line(&self) -> u64 {
        self.place.position.line
    }
}
