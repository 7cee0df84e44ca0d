use restctl_contract::key::Key;

use super::names::{TopLevelNames, unescape_name};
use super::scanner::{Container, Event, Scanner};
use super::wrapper::MAX_OUTER_NESTING;
use crate::decompressor::Decompressor;
use crate::dialect::{BYTE_ORDER_MARK, Dialect};
use crate::unreadable::Unreadable;
use restctl_contract::json::MemberPath;

/// How many paths are found.
const MAX_PATHS: usize = 10;

/// Finds where a JSON file has its rows. It reads the file once, and keeps a few names.
pub struct RecordsFinder {
    key: String,
    /// `None` if the file is not compressed.
    decompressor: Option<Decompressor>,
    byte_order_mark: &'static [u8],
    scanner: Scanner,
    /// The names of the open objects' current members. `None` for one that cannot be in a path.
    names: Vec<Option<String>>,
    /// How many arrays and objects are open around the outermost array that is open.
    around_array: Option<usize>,
    /// Whether the last byte opened that array.
    at_first_element: bool,
    paths: Vec<MemberPath>,
    top_level_names: TopLevelNames,
    has_rows: bool,
    /// Whether nothing more can be learnt.
    is_done: bool,
}

/// Where a JSON file has its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// At the top: in an array, or one after another. Also if the file is neither.
    Rows,
    /// In the only array of objects that its objects have.
    Records(MemberPath),
    /// In one of several, of which these are the first.
    Several(Vec<MemberPath>),
    /// The objects at the top have neither the key nor an array of objects.
    None {
        /// The first names of the first object, shortened.
        members: Vec<String>,
    },
}

impl RecordsFinder {
    pub fn new(dialect: &Dialect, key: &Key) -> Self {
        Self {
            key: key.name.clone(),
            decompressor: Decompressor::new(dialect.compression),
            byte_order_mark: BYTE_ORDER_MARK,
            scanner: Scanner::new(MAX_OUTER_NESTING),
            names: Vec::new(),
            around_array: None,
            at_first_element: false,
            paths: Vec::new(),
            top_level_names: TopLevelNames::default(),
            has_rows: false,
            is_done: false,
        }
    }

    /// Reads the next chunk of the file. Returns whether more can be learnt.
    ///
    /// # Errors
    /// If the chunk cannot be decompressed.
    pub fn feed(&mut self, mut chunk: &[u8]) -> Result<bool, Unreadable> {
        let Some(mut decompressor) = self.decompressor.take() else {
            self.read(chunk);
            return Ok(!self.is_done);
        };
        let mut more = true;
        while more && !self.is_done {
            let (text, goes_on) = decompressor.decompress_piece(&mut chunk)?;
            self.read(text);
            more = goes_on;
        }
        self.decompressor = Some(decompressor);
        Ok(!self.is_done)
    }

    /// Returns what has been found. The end of the file may be missing: the reader of the rows reports that.
    pub fn finish(mut self) -> Found {
        match self.paths.len() {
            _ if self.has_rows => Found::Rows,
            0 if self.top_level_names.names.is_empty() => Found::Rows,
            0 => Found::None { members: self.top_level_names.names },
            1 => Found::Records(self.paths.remove(0)),
            _ => Found::Several(self.paths),
        }
    }

    fn read(&mut self, text: &[u8]) {
        let mut text = self.skip_byte_order_mark(text);
        while !self.is_done {
            let (taken, event) = self.scanner.next_event(text);
            text = text.get(taken..).unwrap_or_default();
            match event {
                Ok(Event::More) => return,
                Ok(event) => self.take_event(event),
                Err(_) => self.is_done = true,
            }
        }
    }

    fn skip_byte_order_mark<'a>(&mut self, mut text: &'a [u8]) -> &'a [u8] {
        while let Some((expected, later)) = self.byte_order_mark.split_first() {
            match text.split_first() {
                Some((byte, rest)) if byte == expected => (text, self.byte_order_mark) = (rest, later),
                Some(_) => self.byte_order_mark = &[],
                None => break,
            }
        }
        text
    }

    fn take_event(&mut self, event: Event) {
        let is_first_element = std::mem::take(&mut self.at_first_element);
        let depth = self.scanner.depth();
        match event {
            Event::Open(Container::Array) if depth == 1 => self.find_rows(),
            Event::Open(Container::Array) if self.around_array.is_none() => {
                self.around_array = Some(depth - 1);
                self.at_first_element = true;
            }
            Event::Open(Container::Object) if is_first_element => self.add_path(),
            Event::Name if self.around_array.is_none() => self.take_name(depth),
            Event::Close if self.around_array.is_some_and(|around| around >= depth) => {
                self.around_array = None
            }
            Event::Scalar if depth == 0 && !self.is_after_object() => self.find_rows(),
            Event::End => {
                self.top_level_names.complete();
                self.scanner.restart();
            }
            _ => {}
        }
    }

    fn find_rows(&mut self) {
        self.has_rows = true;
        self.is_done = true;
    }

    fn is_after_object(&self) -> bool {
        !self.top_level_names.names.is_empty()
    }

    fn take_name(&mut self, depth: usize) {
        let name = unescape_name(&self.scanner.name);
        if depth == 1 {
            if name.as_ref() == Some(&self.key) {
                return self.find_rows();
            }
            self.top_level_names.add(name.as_deref());
        }
        self.names.truncate(depth - 1);
        self.names.push(name);
    }

    fn add_path(&mut self) {
        let names: Option<Vec<String>> =
            self.names.iter().take(self.around_array.unwrap_or(0)).cloned().collect();
        if let Some(path) = names.and_then(MemberPath::from_names)
            && self.paths.len() < MAX_PATHS
            && !self.paths.contains(&path)
        {
            self.paths.push(path);
        }
    }
}
