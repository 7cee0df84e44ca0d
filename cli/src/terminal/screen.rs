//! The full screen of the terminal.

use std::io::{self, IsTerminal};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::style;
use ratatui::{DefaultTerminal, Frame};
use restctl_contract::escape::is_unsafe;

use crate::failure::{FailureContext, Result};

const DRAWING: &str = "cannot draw on the terminal";

/// Whether standard input and standard output are terminals.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn is_available() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// The full screen. The terminal is restored when this is dropped, and after a panic.
pub(crate) struct Screen {
    terminal: DefaultTerminal,
}

impl Screen {
    pub(crate) fn open() -> Result<Self> {
        style::force_color_output(console::colors_enabled());
        Ok(Self { terminal: ratatui::try_init().context(DRAWING)? })
    }

    pub(crate) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<()> {
        self.terminal.draw(|frame| draw_safely(frame, draw)).context(DRAWING)?;
        Ok(())
    }

    /// Returns the next event since the last call, or `None` if there is none.
    pub(crate) fn read_event(&self) -> Result<Option<ScreenEvent>> {
        const READING: &str = "cannot read the keyboard";
        while event::poll(Duration::ZERO).context(READING)? {
            let read = match event::read().context(READING)? {
                Event::Key(key) if key.kind == KeyEventKind::Press => screen_event(key),
                Event::Resize(..) => Some(ScreenEvent::Resize),
                _ => None,
            };
            if read.is_some() {
                return Ok(read);
            }
        }
        Ok(None)
    }
}

/// What a screen reacts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScreenEvent {
    /// q, Escape or Ctrl-C.
    Quit,
    LineUp,
    LineDown,
    PageUp,
    PageDown,
    Resize,
}

fn screen_event(key: KeyEvent) -> Option<ScreenEvent> {
    Some(match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => ScreenEvent::Quit,
        KeyCode::Char('q') | KeyCode::Esc => ScreenEvent::Quit,
        KeyCode::Char('k') | KeyCode::Up => ScreenEvent::LineUp,
        KeyCode::Char('j') | KeyCode::Down => ScreenEvent::LineDown,
        KeyCode::PageUp => ScreenEvent::PageUp,
        KeyCode::PageDown => ScreenEvent::PageDown,
        _ => return None,
    })
}

/// Draws, and replaces what is unsafe afterwards: an escape would need more room than its cell has.
fn draw_safely(frame: &mut Frame<'_>, draw: impl FnOnce(&mut Frame<'_>)) {
    draw(frame);
    for cell in &mut frame.buffer_mut().content {
        if cell.symbol().contains(is_unsafe) {
            cell.set_char(char::REPLACEMENT_CHARACTER);
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // If the terminal is gone, there is nowhere to say so.
        let _ = ratatui::try_restore();
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::widgets::Paragraph;

    use super::*;

    #[test]
    fn nothing_unsafe_is_drawn() {
        let mut terminal = Terminal::new(TestBackend::new(40, 1)).unwrap();
        let hostile = "a\u{1b}[2J\u{9b}b\u{202e}c\u{200b}d\u{e0041}e\u{2028}\u{3164}f";
        terminal
            .draw(|frame| {
                draw_safely(frame, |frame| frame.render_widget(Paragraph::new(hostile), frame.area()))
            })
            .unwrap();
        let drawn: String = terminal.backend().buffer().content.iter().map(|cell| cell.symbol()).collect();
        assert!(drawn.contains('f') && !drawn.contains(is_unsafe), "{drawn:?}");
    }
}
