//! What faulty records have shown about the bytes after their first line, so that each byte is scanned twice at most.
//!
//! After a faulty record, reading goes on at its second line. A quote that is open at the end of a later line meets the
//! same bytes as the quote of the faulty record, which was open there, too: it shares its fate.

use restctl_contract::load::Position;

use super::scan_state::{QuoteFault, ScanState};

/// What becomes of a quote that is open at any line end from `from` on, before [`Fate::at`].
#[derive(Debug, Default)]
pub(super) struct Horizon {
    /// The offset of the first of these line ends, and the fate.
    known: Option<(u64, Fate)>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Fate {
    /// Where it is met.
    pub(super) at: Position,
    /// The quote that was opened last before that.
    pub(super) quote: Position,
    pub(super) outcome: Outcome,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    Fault(QuoteFault),
    /// The record goes on, in this state.
    Open(ScanState),
}

impl Horizon {
    /// Notes a fate, unless one is known that lies further ahead.
    pub(super) fn set(&mut self, from: u64, fate: Fate) {
        if self.known.is_none_or(|(_, known)| known.at.offset < fate.at.offset) {
            self.known = Some((from, fate));
        }
    }

    pub(super) fn forget(&mut self) {
        self.known = None;
    }

    /// Returns the fate of a quote that is open at the line end before `offset`.
    pub(super) fn fate_at(&self, offset: u64) -> Option<Fate> {
        let (from, fate) = self.known?;
        (from..fate.at.offset).contains(&offset).then_some(fate)
    }
}
