//! A snapshot as a terminal screen.

use std::collections::VecDeque;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, RenderDirection, Row, Sparkline, Table};

use super::history::History;
use super::snapshot::{Part, Snapshot};
use super::text::{self, LOAD_HEADER, Severity, StatusLine};

/// The height of a row of sparklines with its frame.
const CHART_HEIGHT: u16 = 6;

/// The width of the names of the lines with the space after them.
const NAME_WIDTH: usize = 13;

pub(super) fn draw_snapshot(frame: &mut Frame<'_>, snapshot: &Snapshot, history: &History, footer: &str) {
    let lines: Vec<Line<'_>> = text::status_lines(snapshot).into_iter().map(styled_line).collect();
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
    draw_traffic(frame, requests, latency, snapshot);
    let newest = |values: &VecDeque<u64>| values.back().copied().unwrap_or_default();
    let title = format!("rows/s: {}", newest(&history.rows_per_second));
    draw_chart(frame, rows, title, history.rows_per_second.iter().rev().copied());
    let title = format!("loads in the queue: {}", newest(&history.queue));
    draw_chart(frame, queue, title, history.queue.iter().rev().copied());
    draw_last_loads(frame, loads, snapshot);
    frame.render_widget(Paragraph::new(footer).dim(), bottom);
}

fn draw_traffic(frame: &mut Frame<'_>, left: Rect, right: Rect, snapshot: &Snapshot) {
    let Part::Known(traffic) = &snapshot.traffic else { return };
    let period = match traffic.period_seconds {
        60 => "a minute".to_owned(),
        seconds => format!("{seconds} s"),
    };
    let title = format!("requests in {period}: {}", traffic.requests_of_last_period());
    draw_chart(frame, left, title, traffic.requests.iter().rev().copied());
    let latency = traffic.latency_ms.iter().rev().find_map(|latency| *latency);
    let title = match latency {
        Some(latency) => format!("latency in {period}: {latency:.1} ms"),
        None => format!("latency in {period}: no requests"),
    };
    // In microseconds, because bars are whole numbers.
    let bars = traffic.latency_ms.iter().rev().map(|latency| (latency.unwrap_or_default() * 1e3) as u64);
    draw_chart(frame, right, title, bars);
}

/// Draws `values`, which start with the newest, from right to left.
fn draw_chart(frame: &mut Frame<'_>, area: Rect, title: String, values: impl Iterator<Item = u64>) {
    let width = usize::from(area.width.saturating_sub(2));
    let bars = Sparkline::default()
        .block(Block::bordered().title(title))
        .direction(RenderDirection::RightToLeft)
        .style(Style::new().fg(Color::Cyan))
        .data(values.take(width).collect::<Vec<u64>>());
    frame.render_widget(bars, area);
}

fn draw_last_loads(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    let Part::Known(loads) = &snapshot.loads else { return };
    let rows = loads.iter().map(|entry| {
        let row = Row::new(text::load_cells(entry));
        row.style(severity_style(text::load_severity(entry.state)))
    });
    let widths = [16, 8, 24, 10, 8].map(Constraint::Length).into_iter().chain([Constraint::Fill(1)]);
    frame.render_widget(Table::new(rows, widths).header(Row::new(LOAD_HEADER).bold()), area);
}

fn styled_line(line: StatusLine) -> Line<'static> {
    let name = Span::from(format!("{:NAME_WIDTH$}", line.name)).bold();
    Line::from(vec![name, Span::styled(line.text, severity_style(line.severity))])
}

fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Normal => Style::new(),
        Severity::Warning => Style::new().fg(Color::Yellow),
        Severity::Problem => Style::new().fg(Color::Red),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::commands::status::fixture::{loading_entry, sample_snapshot};

    fn drawn_screen(width: u16, height: u16) -> String {
        let snapshot = sample_snapshot(vec![loading_entry("0123456789abcdef", 42)]);
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw_snapshot(frame, &snapshot, &History::default(), " q quits")).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn the_screen_shows_all_parts() {
        let screen = drawn_screen(100, 40);
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
    fn a_small_terminal_shows_what_fits() {
        for (width, height) in [(1, 1), (20, 5), (40, 12), (300, 15)] {
            drawn_screen(width, height);
        }
        assert!(drawn_screen(60, 14).contains("stack"));
    }
}
