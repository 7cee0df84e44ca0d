//! The terminal as a whole, for as long as something is shown on all of it.

use std::io::{self, IsTerminal};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::style;
use ratatui::{DefaultTerminal, Frame};

use crate::failure::{FailureContext, Result};

const DOING: &str = "the terminal cannot be drawn on";

/// Both ends of the conversation are a terminal.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn is_screen() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// It is given back as it was when this is dropped, and after a panic.
pub(crate) struct Screen {
    terminal: DefaultTerminal,
}

impl Screen {
    pub(crate) fn take() -> Result<Self> {
        style::force_color_output(console::colors_enabled());
        Ok(Self { terminal: ratatui::try_init().context(DOING)? })
    }

    pub(crate) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<()> {
        self.terminal.draw(draw).context(DOING)?;
        Ok(())
    }

    /// Whether q, Escape or Ctrl-C has been typed since this was last asked.
    pub(crate) fn is_quit(&self) -> Result<bool> {
        const READING: &str = "the keyboard cannot be read";
        while event::poll(Duration::ZERO).context(READING)? {
            let Event::Key(key) = event::read().context(READING)? else { continue };
            let is_interrupt =
                key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
            let quits = matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) || is_interrupt;
            if quits && key.kind == KeyEventKind::Press {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that has gone has nobody to tell.
        let _ = ratatui::try_restore();
    }
}
