//! A snapshot as a terminal screen.

use std::collections::VecDeque;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, RenderDirection, Sparkline};
use restctl_contract::load::LedgerEntry;

use super::history::History;
use super::scroll::Scroll;
use super::snapshot::{Part, Snapshot};
use super::text::{self, LOAD_HEADER, Severity, StatusLine};

/// The height of a row of sparklines with its frame, if there is room for it and if there is little.
const CHART_HEIGHT: u16 = 6;
const MIN_CHART_HEIGHT: u16 = 3;

/// The width of the names of the lines with the space after them.
const NAME_WIDTH: usize = 13;

/// The columns of the loads and their widths. The last one has the rest of the line.
const LOAD_WIDTHS: [usize; 6] = [17, 9, 25, 11, 9, 0];

/// Draws the status lines and the loads. Sparklines have the room that is left. If there is too little room for the lines, the
/// user can scroll.
pub(super) fn draw_snapshot(
    frame: &mut Frame<'_>,
    snapshot: &Snapshot,
    history: &History,
    footer: &str,
    scroll: &mut Scroll,
) {
    let [body, bottom] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(frame.area());
    let width = usize::from(body.width);
    let mut lines: Vec<_> =
        text::status_lines(snapshot).into_iter().map(|line| styled_line(line, width)).collect();
    lines.push(Line::default());
    let loads = load_lines(snapshot, width);
    let count = lines.len() + loads.len();
    let room = body.height.saturating_sub(u16::try_from(count).unwrap_or(u16::MAX));
    let chart_rows = (room / MIN_CHART_HEIGHT).min(2);
    let first = scroll.fit(count, usize::from(body.height));
    if let Some(chart_height) = room.checked_div(chart_rows).map(|height| height.min(CHART_HEIGHT)) {
        let top = Constraint::Length(u16::try_from(lines.len()).unwrap_or(u16::MAX));
        let charts = Constraint::Length(chart_rows * chart_height);
        let [top, charts, rest] = Layout::vertical([top, charts, Constraint::Fill(1)]).areas(body);
        frame.render_widget(Paragraph::new(lines), top);
        draw_charts(frame, charts, chart_height, snapshot, history);
        frame.render_widget(Paragraph::new(loads), rest);
    } else {
        lines.extend(loads);
        frame.render_widget(Paragraph::new(lines.split_off(first)), body);
    }
    let keys = if scroll.is_needed() { "q quits, j/k scroll" } else { "q quits" };
    frame.render_widget(Paragraph::new(cut_line(&format!(" {keys}   {footer}"), width)).dim(), bottom);
}

/// Draws one or two rows of sparklines.
fn draw_charts(frame: &mut Frame<'_>, area: Rect, height: u16, snapshot: &Snapshot, history: &History) {
    let [upper, lower] = Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(area);
    let halves = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]);
    let [requests, latency] = halves.areas(upper);
    draw_traffic(frame, requests, latency, snapshot);
    if lower.is_empty() {
        return;
    }
    let [rows, queue] = halves.areas(lower);
    let newest = |values: &VecDeque<u64>| values.back().copied().unwrap_or_default();
    let title = format!("rows/s: {}", newest(&history.rows_per_second));
    draw_chart(frame, rows, title, history.rows_per_second.iter().rev().copied());
    let title = format!("loads in the queue: {}", newest(&history.queue));
    draw_chart(frame, queue, title, history.queue.iter().rev().copied());
}

fn draw_traffic(frame: &mut Frame<'_>, left: Rect, right: Rect, snapshot: &Snapshot) {
    let Part::Known(traffic) = &snapshot.traffic else { return };
    let unit = match traffic.period_seconds {
        60 => "min".to_owned(),
        seconds => format!("{seconds} s"),
    };
    let period = traffic.last_complete_period();
    let title = format!("requests/{unit} at {}: {}", period.time, period.requests);
    draw_chart(frame, left, title, traffic.requests.iter().rev().copied());
    let latency = match period.latency_ms {
        None => "none".to_owned(),
        Some(latency @ 100.0..) => format!("{latency:.0} ms"),
        Some(latency) => format!("{latency:.1} ms"),
    };
    let title = format!("latency at {}: {latency}", period.time);
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

/// Returns the table of the loads. A narrow screen leaves out columns.
fn load_lines(snapshot: &Snapshot, width: usize) -> Vec<Line<'static>> {
    let Part::Known(loads) = &snapshot.loads else { return Vec::new() };
    if loads.is_empty() {
        return Vec::new();
    }
    let columns: &[usize] = match width {
        85.. => &[0, 1, 2, 3, 4, 5],
        56.. => &[0, 1, 3, 4, 5],
        _ => &[0, 1, 5],
    };
    let row = |cells: &[String]| {
        let cells = columns.iter().map(|column| format!("{:1$}", cells[*column], LOAD_WIDTHS[*column]));
        cut_line(&cells.collect::<String>(), width)
    };
    let load_row = |entry: &LedgerEntry| {
        Line::styled(row(&text::load_cells(entry)), severity_style(text::load_severity(entry.state)))
    };
    let header = Line::from(row(&LOAD_HEADER.map(str::to_owned))).bold();
    [header].into_iter().chain(loads.iter().map(load_row)).collect()
}

fn styled_line(line: StatusLine, width: usize) -> Line<'static> {
    let name = Span::from(format!("{:NAME_WIDTH$}", line.name)).bold();
    let text = cut_line(&line.text, width.saturating_sub(NAME_WIDTH));
    Line::from(vec![name, Span::styled(text, severity_style(line.severity))])
}

/// Returns as much of the text as fits into the width, with a mark if it is cut.
fn cut_line(text: &str, width: usize) -> String {
    if Span::raw(text).width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    for character in text.chars() {
        let longer = format!("{cut}{character}");
        if Span::raw(&longer).width() >= width {
            break;
        }
        cut = longer;
    }
    cut + "…"
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
    use std::path::Path;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::commands::status::fixture::{loading_entry, sample_snapshot};
    use crate::terminal::screen::ScreenEvent;

    fn drawn_screen(width: u16, height: u16, scroll: &mut Scroll) -> String {
        let loads = ["a", "b", "c", "d", "e"].map(|id| loading_entry(&id.repeat(16), 42));
        let snapshot = sample_snapshot(loads.to_vec());
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let draw = |frame: &mut Frame<'_>| {
            draw_snapshot(
                frame,
                &snapshot,
                &History::default(),
                "2026-01-15T09:30:05.000Z, every 5 s",
                scroll,
            );
        };
        terminal.draw(draw).unwrap();
        let rows = terminal.backend().buffer().content.chunks(usize::from(width));
        let text = |row: &[ratatui::buffer::Cell]| row.iter().map(|cell| cell.symbol()).collect::<String>();
        rows.map(|row| text(row).trim_end().to_owned() + "\n").collect()
    }

    #[test]
    fn the_screen_shows_all_parts() {
        let screen = drawn_screen(100, 40, &mut Scroll::default());
        for text in [
            "stack        orders in eu-west-1, UPDATE_COMPLETE",
            "certificate  api.example.com, 12 days left (until 2026-12-10), and the endpoint serves it",
            "provider     the issuer does not answer",
            "requests/min at 09:31: 8",
            "latency at 09:31: 1.5 ms",
            "rows/s: 0",
            "loads in the queue: 0",
            "aaaaaaaaaaaaaaaa",
            "q quits",
        ] {
            assert!(screen.contains(text), "{text:?} is not in:\n{screen}");
        }
        assert!(!screen.contains("scroll"), "{screen}");
    }

    #[test]
    fn common_sizes_show_the_loads() {
        let mut settings = insta::Settings::new();
        settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        for (width, height) in [(60, 20), (80, 24), (40, 12)] {
            let screen = drawn_screen(width, height, &mut Scroll::default());
            settings.bind(|| insta::assert_snapshot!(format!("status-{width}x{height}"), screen));
        }
    }

    #[test]
    fn a_small_terminal_is_scrolled_to_every_line() {
        let mut scroll = Scroll::default();
        assert!(drawn_screen(40, 12, &mut scroll).contains("stack"));
        scroll.apply(ScreenEvent::PageDown);
        let end = drawn_screen(40, 12, &mut scroll);
        assert!(end.contains("eeeeeeeeeeeeeeee") && !end.contains("stack"), "{end}");
        for (width, height) in [(1, 1), (20, 5), (300, 15)] {
            drawn_screen(width, height, &mut scroll);
        }
    }

    #[test]
    fn a_cut_line_is_marked() {
        assert_eq!(cut_line("abcdef", 6), "abcdef");
        assert_eq!(cut_line("abcdefg", 6), "abcde…");
        assert_eq!(cut_line("日本語", 4), "日…");
    }
}
