use aws_sdk_s3::Client;
use bytes::{Buf, Bytes};
use restctl_contract::key::Key;
use restctl_contract::load::Position;
use restctl_rows::{Parser, Reject, Row};

use super::object::{Body, Object};
use super::window::Window;
use crate::error::Error;
use crate::stop::Stop;

/// How often in a row an object may break off without a byte.
const MAX_BREAKS: u32 = 5;

/// How large a window becomes; it is full by rows or by bytes, as DynamoDB counts them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WindowSize {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
}

impl Default for WindowSize {
    fn default() -> Self {
        Self { rows: 1_000, bytes: 4 * 1024 * 1024 }
    }
}

/// The rows of an object, window by window; of the object itself a chunk is held at a time.
pub(crate) struct Source<'a> {
    s3: &'a Client,
    object: &'a Object,
    size: WindowSize,
    parser: Parser,
    body: Option<Body>,
    /// What has arrived and is not parsed yet.
    chunk: Bytes,
    breaks: u32,
    ended: bool,
    /// What the file cannot be read beyond, while rows before it are on their way.
    unreadable: Option<Stop>,
    rows: Vec<Result<Row, Reject>>,
}

impl<'a> Source<'a> {
    /// Reads on at `position`, where a source of the same object stood before.
    pub(crate) fn new(
        s3: &'a Client,
        object: &'a Object,
        key: &Key,
        position: Position,
        size: WindowSize,
    ) -> Result<Self, Stop> {
        let parser = Parser::resume(&object.dialect()?, key, position);
        let (chunk, rows) = (Bytes::new(), Vec::new());
        Ok(Self {
            s3,
            object,
            size,
            parser,
            body: None,
            chunk,
            breaks: 0,
            ended: false,
            unreadable: None,
            rows,
        })
    }

    /// Where the next window starts.
    pub(crate) fn position(&self) -> Position {
        self.parser.position()
    }

    /// `None` after the last one. What cannot be read comes after all rows before it.
    pub(crate) async fn next(&mut self) -> Result<Option<Window>, Stop> {
        let mut window = Window::starting(self.position());
        while !self.ended && self.unreadable.is_none() && !self.is_full(&window) {
            if let Err(stop) = self.advance().await {
                self.unreadable = Some(stop);
            }
            for row in self.rows.drain(..) {
                match row {
                    Ok(row) => window.push(row),
                    Err(reject) => window.rejects.push(reject),
                }
            }
        }
        window.end = self.position();
        match self.unreadable.take() {
            Some(stop) if window.read() == 0 => Err(stop),
            unreadable => {
                self.unreadable = unreadable;
                Ok((window.read() > 0).then_some(window))
            }
        }
    }

    fn is_full(&self, window: &Window) -> bool {
        window.rows.len() + window.rejects.len() >= self.size.rows || window.bytes() >= self.size.bytes
    }

    async fn advance(&mut self) -> Result<(), Stop> {
        if self.parse()? { Ok(()) } else { self.fetch().await }
    }

    /// Whether there may be more in what has arrived.
    fn parse(&mut self) -> Result<bool, Stop> {
        let mut rest = &self.chunk[..];
        let more = self.parser.read(&mut rest, &mut self.rows)?;
        let parsed = self.chunk.len() - rest.len();
        self.chunk.advance(parsed);
        Ok(more)
    }

    /// Gets the bytes that the parser wants next, or finds that there are none.
    async fn fetch(&mut self) -> Result<(), Stop> {
        let wanted = self.parser.wants();
        if wanted >= self.object.size {
            self.parser.finish(&mut self.rows)?;
            self.ended = true;
            return Ok(());
        }
        let body = match self.body.take().filter(|body| body.at == wanted || !body.is_range) {
            Some(body) => body,
            None => self.object.open(self.s3, wanted).await?.ok_or_else(Stop::object_gone)?,
        };
        let body = self.body.insert(body);
        match body.bytes.next().await {
            Some(Ok(mut chunk)) => {
                let unwanted = wanted.saturating_sub(body.at).min(chunk.len() as u64);
                body.at += chunk.len() as u64;
                chunk.advance(usize::try_from(unwanted).unwrap_or(usize::MAX));
                self.chunk = chunk;
                self.breaks = 0;
                Ok(())
            }
            Some(Err(error)) => self.broke_off(Error::service("GetObject", &self.object.key, error)),
            None => self.broke_off(Error::answer("GetObject", "it ends before the object does")),
        }
    }

    /// A connection that breaks off is opened again at the byte that is wanted next.
    fn broke_off(&mut self, error: Error) -> Result<(), Stop> {
        self.body = None;
        self.breaks += 1;
        if self.breaks > MAX_BREAKS { Err(error.into()) } else { Ok(()) }
    }
}
