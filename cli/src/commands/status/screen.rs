//! The status as a terminal screen.

use std::collections::VecDeque;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, RenderDirection, Row, Sparkline, Table};

use super::snapshot::{Part, Status};
use super::text::{self, LOADS, Mood};
use super::watch::History;

/// Of each row of sparklines, with its frame.
const CHART_HEIGHT: u16 = 6;

/// The names of the lines and the space behind them.
const NAME_WIDTH: usize = 13;

pub(super) fn draw(frame: &mut Frame<'_>, status: &Status, history: &History, footer: &str) {
    let lines: Vec<Line<'_>> = text::lines(status).into_iter().map(styled).collect();
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let [top, upper, lower, loads, bottom] = Layout::vertical([
        Constraint::Length(height + 1),
        Constraint::Length(CHART_HEIGHT),
        Constraint::Length(CHART_HEIGHT),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(lines), top);
    let halves = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]);
    let [requests, latency] = halves.areas(upper);
    let [rows, queue] = halves.areas(lower);
    traffic(frame, requests, latency, status);
    let of_the_last = |values: &VecDeque<u64>| values.back().copied().unwrap_or_default();
    let title = format!("rows/s: {}", of_the_last(&history.rows_per_second));
    chart(frame, rows, title, history.rows_per_second.iter().rev().copied());
    let title = format!("loads in the queue: {}", of_the_last(&history.queue));
    chart(frame, queue, title, history.queue.iter().rev().copied());
    last_loads(frame, loads, status);
    frame.render_widget(Paragraph::new(footer).dim(), bottom);
}

fn traffic(frame: &mut Frame<'_>, left: Rect, right: Rect, status: &Status) {
    let Part::Known(traffic) = &status.traffic else { return };
    let period = match traffic.period_seconds {
        60 => "a minute".to_owned(),
        seconds => format!("{seconds} s"),
    };
    // The last period is not over, and says little yet.
    let over = |place: usize| place.checked_sub(2);
    let requests = over(traffic.requests.len()).and_then(|last| traffic.requests.get(last));
    let title = format!("requests in {period}: {}", requests.copied().unwrap_or_default());
    chart(frame, left, title, traffic.requests.iter().rev().copied());
    let latency = traffic.latency_ms.iter().rev().find_map(|latency| *latency);
    let title = match latency {
        Some(latency) => format!("latency in {period}: {latency:.1} ms"),
        None => format!("latency in {period}: no requests"),
    };
    // In microseconds: bars are whole numbers.
    let bars = traffic.latency_ms.iter().rev().map(|latency| (latency.unwrap_or_default() * 1e3) as u64);
    chart(frame, right, title, bars);
}

/// `values` with the newest first, which is the rightmost.
fn chart(frame: &mut Frame<'_>, area: Rect, title: String, values: impl Iterator<Item = u64>) {
    let width = usize::from(area.width.saturating_sub(2));
    let bars = Sparkline::default()
        .block(Block::bordered().title(title))
        .direction(RenderDirection::RightToLeft)
        .style(Style::new().fg(Color::Cyan))
        .data(values.take(width).collect::<Vec<u64>>());
    frame.render_widget(bars, area);
}

fn last_loads(frame: &mut Frame<'_>, area: Rect, status: &Status) {
    let Part::Known(loads) = &status.loads else { return };
    let rows = loads.iter().map(|entry| {
        let row = Row::new(text::load(entry));
        row.style(color(text::mood_of(entry.state)))
    });
    let widths = [16, 8, 24, 10, 8].map(Constraint::Length).into_iter().chain([Constraint::Fill(1)]);
    frame.render_widget(Table::new(rows, widths).header(Row::new(LOADS).bold()), area);
}

fn styled(line: text::Line) -> Line<'static> {
    let name = Span::from(format!("{:NAME_WIDTH$}", line.name)).bold();
    Line::from(vec![name, Span::styled(line.text, color(line.mood))])
}

fn color(mood: Mood) -> Style {
    match mood {
        Mood::Fine => Style::new(),
        Mood::Notable => Style::new().fg(Color::Yellow),
        Mood::Bad => Style::new().fg(Color::Red),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::commands::status::fixture::{load, status};

    fn drawn(width: u16, height: u16) -> String {
        let status = status(vec![load("0123456789abcdef", 42)]);
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, &status, &History::default(), " q quits")).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn all_parts_have_their_place() {
        let screen = drawn(100, 40);
        for text in [
            "stack        orders in eu-west-1, UPDATE_COMPLETE",
            "certificate  api.example.com, 12 days left (until 2026-12-10), and the endpoint serves it",
            "provider     the issuer does not answer",
            "requests in a minute: 8",
            "latency in a minute: 2.5 ms",
            "rows/s: 0",
            "loads in the queue: 0",
            "0123456789abcdef",
            "q quits",
        ] {
            assert!(screen.contains(text), "{text:?} is not in:\n{screen}");
        }
    }

    #[test]
    fn a_small_terminal_shows_what_it_can() {
        for (width, height) in [(1, 1), (20, 5), (40, 12), (300, 15)] {
            drawn(width, height);
        }
        assert!(drawn(60, 14).contains("stack"));
    }
}
