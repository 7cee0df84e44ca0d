//! Puts rows together from the columns of a row group.

use parquet::errors::{ParquetError, Result};
use parquet::file::reader::RowGroupReader;

use super::column::Column;
use super::shape::{Elements, Node, Shape};
use super::value::LeftOut;
use crate::data_file::conversion::json;

pub(super) struct RowGroup {
    columns: Vec<Column>,
    rows_left: usize,
}

impl RowGroup {
    pub(super) fn open(group: &dyn RowGroupReader) -> Result<Self> {
        let rows_left = usize::try_from(group.metadata().num_rows())?;
        let columns =
            (0..group.num_columns()).map(|index| Column::open(group, index)).collect::<Result<_>>()?;
        Ok(Self { columns, rows_left })
    }

    /// Replaces `line` by the next row. Returns whether there was one.
    pub(super) fn write_next(
        &mut self,
        fields: &[Node],
        left_out: &mut LeftOut,
        line: &mut Vec<u8>,
    ) -> Result<bool> {
        line.clear();
        if self.rows_left == 0 {
            return Ok(false);
        }
        for column in &mut self.columns {
            column.begin_row(self.rows_left)?;
        }
        self.rows_left -= 1;
        RowWriter { columns: &mut self.columns, left_out, line }.write_object(fields)?;
        line.push(b'\n');
        Ok(true)
    }
}

struct RowWriter<'a> {
    columns: &'a mut [Column],
    left_out: &'a mut LeftOut,
    line: &'a mut Vec<u8>,
}

impl RowWriter<'_> {
    fn write_object(&mut self, fields: &[Node]) -> Result<()> {
        let start = self.line.len();
        self.line.push(b'{');
        for field in fields {
            let before = self.line.len();
            json::push_name(&field.name, start, self.line);
            if !self.write(field)? {
                self.line.truncate(before);
            }
        }
        self.line.push(b'}');
        Ok(())
    }

    /// Writes the value of a field. Returns false if it has none.
    fn write(&mut self, field: &Node) -> Result<bool> {
        if field.columns.is_empty() || self.definition_level(field)? < field.present_from {
            self.skip(field);
            return Ok(false);
        }
        match &field.shape {
            Shape::Value(kind) => {
                let value = self.column(field)?.take_value()?;
                kind.write(&value, &field.name, self.left_out, self.line)
            }
            Shape::Object(fields) => self.write_object(fields).map(|()| true),
            Shape::List { elements, element } => {
                self.line.push(b'[');
                self.write_elements(field, *elements, |this, is_first| {
                    this.separate(is_first);
                    this.write_or_null(element)
                })?;
                self.line.push(b']');
                Ok(true)
            }
            Shape::Map { elements, key, value } => {
                self.line.push(b'{');
                self.write_elements(field, *elements, |this, is_first| {
                    this.separate(is_first);
                    this.write_key(key)?;
                    this.line.push(b':');
                    this.write_or_null(value)
                })?;
                self.line.push(b'}');
                Ok(true)
            }
        }
    }

    fn write_elements(
        &mut self,
        field: &Node,
        elements: Elements,
        mut write_element: impl FnMut(&mut Self, bool) -> Result<()>,
    ) -> Result<()> {
        if self.definition_level(field)? < elements.present_from {
            self.skip(field);
            return Ok(());
        }
        write_element(self, true)?;
        while self.column(field)?.next_repetition_level() >= elements.continued_by {
            write_element(self, false)?;
        }
        Ok(())
    }

    fn write_or_null(&mut self, element: &Node) -> Result<()> {
        if !self.write(element)? {
            self.line.extend_from_slice(b"null");
        }
        Ok(())
    }

    /// Writes the key of a map as a string.
    fn write_key(&mut self, key: &Node) -> Result<()> {
        let start = self.line.len();
        self.write_or_null(key)?;
        if self.line.get(start) != Some(&b'"') {
            let text = String::from_utf8_lossy(&self.line.split_off(start)).into_owned();
            json::push_string(&text, self.line);
        }
        Ok(())
    }

    fn separate(&mut self, is_first: bool) {
        if !is_first {
            self.line.push(b',');
        }
    }

    fn definition_level(&mut self, field: &Node) -> Result<i16> {
        self.column(field)?.definition_level()
    }

    /// Returns the first column of a field: they all agree on where it is present and where its lists end.
    fn column(&mut self, field: &Node) -> Result<&mut Column> {
        let missing = || ParquetError::General("a row group has fewer columns than the schema".to_owned());
        self.columns.get_mut(field.columns.start).ok_or_else(missing)
    }

    fn skip(&mut self, field: &Node) {
        let columns = self.columns.get_mut(field.columns.clone()).unwrap_or_default();
        columns.iter_mut().for_each(Column::skip);
    }
}
