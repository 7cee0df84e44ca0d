//! Which lines a screen shows if it has too few.

use crate::terminal::screen::ScreenEvent;

#[derive(Default)]
pub(super) struct Scroll {
    /// The first line that is shown.
    first: usize,
    /// The greatest value of `first`, with which the last line is shown.
    last_first: usize,
    /// How many lines are shown.
    height: usize,
}

impl Scroll {
    /// Adapts to the number of lines and of those that are shown. Returns the first line to show.
    pub(super) fn fit(&mut self, lines: usize, height: usize) -> usize {
        (self.last_first, self.height) = (lines.saturating_sub(height), height);
        self.first = self.first.min(self.last_first);
        self.first
    }

    /// Whether some lines are not shown.
    pub(super) fn is_needed(&self) -> bool {
        self.last_first > 0
    }

    pub(super) fn apply(&mut self, event: ScreenEvent) {
        let first = match event {
            ScreenEvent::LineUp => self.first.saturating_sub(1),
            ScreenEvent::LineDown => self.first + 1,
            ScreenEvent::PageUp => self.first.saturating_sub(self.height),
            ScreenEvent::PageDown => self.first + self.height,
            ScreenEvent::Quit | ScreenEvent::Resize => self.first,
        };
        self.first = first.min(self.last_first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_out_of_reach() {
        let mut scroll = Scroll::default();
        assert_eq!(scroll.fit(15, 11), 0);
        for (event, first) in [
            (ScreenEvent::LineUp, 0),
            (ScreenEvent::LineDown, 1),
            (ScreenEvent::PageDown, 4),
            (ScreenEvent::LineDown, 4),
            (ScreenEvent::LineUp, 3),
            (ScreenEvent::PageUp, 0),
        ] {
            scroll.apply(event);
            assert_eq!(scroll.fit(15, 11), first, "{event:?}");
        }
        scroll.apply(ScreenEvent::PageDown);
        // The terminal grows.
        assert_eq!((scroll.fit(15, 20), scroll.is_needed()), (0, false));
    }
}
