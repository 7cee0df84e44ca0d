//! The parser. Each method starts at the first byte of what it reads and stops behind the last one.

use std::collections::HashSet;

use super::error::JsonErrorKind::{self, *};
use super::{Json, JsonError, Limits};

/// Up to this many members, comparing each name with each is faster than hashing them.
const FEW_MEMBERS: usize = 12;

pub(super) fn parse(text: &[u8], limits: Limits) -> Result<Json, JsonError> {
    let mut parser = Parser { text, position: 0, limits };
    parser.parse_document().map_err(|kind| JsonError::at(text, parser.position, kind))
}

pub(super) struct Parser<'a> {
    text: &'a [u8],
    pub(super) position: usize,
    /// What is left of the limits here.
    limits: Limits,
}

impl<'a> Parser<'a> {
    fn parse_document(&mut self) -> Result<Json, JsonErrorKind> {
        self.skip_white_space();
        let value = self.parse_value()?;
        self.skip_white_space();
        match self.peek() {
            None => Ok(value),
            Some(_) => Err(TrailingText),
        }
    }

    fn parse_value(&mut self) -> Result<Json, JsonErrorKind> {
        self.limits.values = self.limits.values.checked_sub(1).ok_or(TooManyValues)?;
        match self.peek().ok_or(UnexpectedEnd)? {
            b'"' => self.parse_string().map(Json::String),
            b'-' | b'0'..=b'9' => self.parse_number().map(Json::Number),
            b'{' => self.parse_nested(Self::parse_object),
            b'[' => self.parse_nested(Self::parse_array),
            b't' => self.expect(b"true").map(|()| Json::Bool(true)),
            b'f' => self.expect(b"false").map(|()| Json::Bool(false)),
            b'n' => self.expect(b"null").map(|()| Json::Null),
            other => Err(UnexpectedByte(other)),
        }
    }

    fn parse_nested(
        &mut self,
        parse: fn(&mut Self) -> Result<Json, JsonErrorKind>,
    ) -> Result<Json, JsonErrorKind> {
        self.limits.depth = self.limits.depth.checked_sub(1).ok_or(TooDeep)?;
        let value = parse(self)?;
        self.limits.depth += 1;
        Ok(value)
    }

    fn parse_array(&mut self) -> Result<Json, JsonErrorKind> {
        self.position += 1;
        self.skip_white_space();
        let mut elements = Vec::new();
        if self.take(b']') {
            return Ok(Json::Array(elements));
        }
        loop {
            elements.push(self.parse_value()?);
            if !self.take_comma_or(b']')? {
                return Ok(Json::Array(elements));
            }
        }
    }

    fn parse_object(&mut self) -> Result<Json, JsonErrorKind> {
        self.position += 1;
        self.skip_white_space();
        let mut members = Vec::new();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            members.push(self.parse_member()?);
            if !self.take_comma_or(b'}')? {
                keep_last_of_each_name(&mut members);
                return Ok(Json::Object(members));
            }
        }
    }

    fn parse_member(&mut self) -> Result<(String, Json), JsonErrorKind> {
        match self.peek() {
            Some(b'"') => {}
            other => return Err(unexpected(other)),
        }
        let name = self.parse_string()?;
        self.skip_white_space();
        self.expect(b":")?;
        self.skip_white_space();
        Ok((name, self.parse_value()?))
    }

    /// Returns whether another element follows. If not, the array or object is closed.
    fn take_comma_or(&mut self, close: u8) -> Result<bool, JsonErrorKind> {
        self.skip_white_space();
        if self.take(b',') {
            self.skip_white_space();
            return Ok(true);
        }
        if self.take(close) { Ok(false) } else { Err(unexpected(self.peek())) }
    }

    fn parse_number(&mut self) -> Result<String, JsonErrorKind> {
        let start = self.position;
        self.take(b'-');
        if !self.take(b'0') {
            self.take_digits()?;
        }
        if self.take(b'.') {
            self.take_digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.take_digits()?;
        }
        match self.peek() {
            Some(b'0'..=b'9' | b'.' | b'+' | b'-' | b'e' | b'E') => Err(InvalidNumber),
            _ => self.text_since(start).map(str::to_owned),
        }
    }

    fn take_digits(&mut self) -> Result<(), JsonErrorKind> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.position += digits;
        if digits == 0 { Err(InvalidNumber) } else { Ok(()) }
    }

    fn expect(&mut self, literal: &[u8]) -> Result<(), JsonErrorKind> {
        for &byte in literal {
            if !self.take(byte) {
                return Err(unexpected(self.peek()));
            }
        }
        Ok(())
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.position += usize::from(found);
        found
    }

    fn skip_white_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.position += 1;
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.get(self.position..).unwrap_or_default()
    }

    /// Fails at the first byte that is not UTF-8.
    pub(super) fn text_since(&mut self, start: usize) -> Result<&'a str, JsonErrorKind> {
        let bytes = self.text.get(start..self.position).unwrap_or_default();
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(error) => {
                self.position = start + error.valid_up_to();
                Err(NotUtf8)
            }
        }
    }
}

fn unexpected(byte: Option<u8>) -> JsonErrorKind {
    byte.map_or(UnexpectedEnd, UnexpectedByte)
}

fn keep_last_of_each_name(members: &mut Vec<(String, Json)>) {
    let is_repeated = |(index, (name, _)): (usize, &(String, Json))| {
        members.iter().skip(index + 1).any(|(later, _)| later == name)
    };
    if members.len() <= FEW_MEMBERS && !members.iter().enumerate().any(is_repeated) {
        return;
    }
    let mut names = HashSet::with_capacity(members.len());
    let is_last: Vec<bool> = members.iter().rev().map(|(name, _)| names.insert(name.as_str())).collect();
    let mut is_last = is_last.into_iter().rev();
    members.retain(|_| is_last.next() == Some(true));
}
