use super::Step;
use super::input::Input;
use super::names::{TopLevelNames, unescape_name};
use super::scanner::{Container, Event, Scanner};
use crate::unreadable::Unreadable;
use restctl_contract::json::MemberPath;

/// How deeply arrays and objects may nest outside the rows.
pub(super) const MAX_OUTER_NESTING: usize = 1000;

/// A reader of what is around the array that a path leads to, in one object or in several one after another.
#[derive(Debug)]
pub(super) struct Wrapper {
    path: MemberPath,
    scanner: Scanner,
    /// How many of the open objects are on the path, apart from the outermost.
    matched: usize,
    /// Whether the last name is the next one of the path.
    name_matches: bool,
    found: bool,
    names: TopLevelNames,
}

impl Wrapper {
    pub(super) fn at_start(path: MemberPath) -> Self {
        let scanner = Scanner::new(MAX_OUTER_NESTING);
        let names = TopLevelNames::default();
        Self { path, scanner, matched: 0, name_matches: false, found: false, names }
    }

    /// Starts within the array.
    pub(super) fn in_array(path: MemberPath) -> Self {
        let objects = path.names().len();
        let scanner = Scanner::in_array_of_objects(MAX_OUTER_NESTING, objects);
        Self { scanner, matched: objects - 1, found: true, ..Self::at_start(path) }
    }

    /// Notes that the array has ended.
    pub(super) fn leave_array(&mut self) {
        self.scanner.close();
    }

    /// Skips text up to the array.
    pub(super) fn read(&mut self, input: &mut Input<'_>) -> Result<Step, Unreadable> {
        loop {
            let (taken, event) = self.scanner.next_event(input.rest);
            input.take(taken);
            match event.map_err(|kind| Unreadable::BrokenJson { line: input.line(), kind })? {
                Event::More if input.is_last => return self.check_end(input).map(|()| Step::NeedsMore),
                Event::More => return Ok(Step::NeedsMore),
                Event::Name => self.take_name(),
                Event::Open(Container::Array) if self.is_at_target() => {
                    self.found = true;
                    self.name_matches = false;
                    return Ok(Step::Opened);
                }
                Event::Open(Container::Object) if self.name_matches && !self.is_at_target() => {
                    self.matched += 1;
                    self.name_matches = false;
                }
                Event::Open(_) | Event::Scalar if self.is_at_target() => {
                    let (path, line) = (self.path.to_string(), input.line());
                    return Err(Unreadable::RecordsNotAnArray { path, line });
                }
                Event::Open(_) | Event::Scalar => self.name_matches = false,
                Event::Close => self.matched = self.matched.min(self.scanner.depth().saturating_sub(1)),
                Event::End => {
                    self.names.complete();
                    self.scanner.restart();
                }
            }
        }
    }

    fn is_at_target(&self) -> bool {
        self.name_matches && self.matched + 1 == self.path.names().len()
    }

    fn take_name(&mut self) {
        let depth = self.scanner.depth();
        let name = unescape_name(&self.scanner.name);
        if depth == 1 {
            self.names.add(name.as_deref());
        }
        self.name_matches = self.matched + 1 == depth
            && name.is_some_and(|name| self.path.names().get(self.matched) == Some(&name));
    }

    fn check_end(&self, input: &Input<'_>) -> Result<(), Unreadable> {
        if !self.scanner.is_before_value() && !self.scanner.may_end() {
            let kind = restctl_contract::json::JsonErrorKind::UnexpectedEnd;
            return Err(Unreadable::BrokenJson { line: input.line(), kind });
        }
        match self.found {
            true => Ok(()),
            false if self.scanner.is_before_value() && self.names.names.is_empty() => Err(Unreadable::Empty),
            false => {
                Err(Unreadable::NoSuchRecords { path: self.path.to_string(), members: self.names.list() })
            }
        }
    }
}
