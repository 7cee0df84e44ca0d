//! One column of a row group, entry by entry.

use bytes::Bytes;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::RowGroupReader;
use parquet::schema::types::ColumnDescPtr;

use super::pages::{BoundedPages, PageAllowance};

/// How many rows are decoded at a time.
const BATCH_ROWS: usize = 256;

/// A value as the file stores it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stored {
    Boolean(bool),
    Int32(i32),
    Int64(i64),
    /// A day, counted as astronomers do, and nanoseconds within it.
    Int96 {
        julian_day: u32,
        nanos: u64,
    },
    Float(f32),
    Double(f64),
    Bytes(Bytes),
}

/// Entries of a column. Each has a value, or says at which level of the schema it is missing (the definition level),
/// and which list it continues (the repetition level).
pub(super) struct Column {
    reader: ColumnReader,
    descriptor: ColumnDescPtr,
    allowance: PageAllowance,
    definition_levels: Vec<i16>,
    repetition_levels: Vec<i16>,
    values: std::vec::IntoIter<Stored>,
    entries: usize,
    at: usize,
}

impl Column {
    pub(super) fn open(group: &dyn RowGroupReader, index: usize) -> Result<Self> {
        let descriptor = group.metadata().column(index).column_descr_ptr();
        let allowance = PageAllowance::default();
        let is_repeated = descriptor.max_rep_level() > 0;
        let pages = BoundedPages::new(group.get_column_page_reader(index)?, is_repeated, allowance.clone());
        Ok(Self {
            reader: get_column_reader(descriptor.clone(), Box::new(pages)),
            descriptor,
            allowance,
            definition_levels: Vec::new(),
            repetition_levels: Vec::new(),
            values: Vec::new().into_iter(),
            entries: 0,
            at: 0,
        })
    }

    /// Makes sure that a row begins at the next entry. `rows_left` are those of the row group that come.
    pub(super) fn begin_row(&mut self, rows_left: usize) -> Result<()> {
        if self.at == self.entries {
            self.read_batch(rows_left.min(BATCH_ROWS))?;
        }
        match self.next_repetition_level() {
            0 => Ok(()),
            _ => Err(self.contradiction()),
        }
    }

    /// Returns down to which level of the schema the next entry is present.
    pub(super) fn definition_level(&self) -> Result<i16> {
        match self.definition_levels.get(self.at) {
            Some(level) => Ok(*level),
            None if self.descriptor.max_def_level() == 0 && self.at < self.entries => Ok(0),
            None => Err(self.contradiction()),
        }
    }

    /// Returns the level of the list that the next entry continues. It is 0 where a row begins.
    pub(super) fn next_repetition_level(&self) -> i16 {
        // A batch ends with a row.
        self.repetition_levels.get(self.at).copied().unwrap_or(0)
    }

    /// Takes the next entry, which has a value.
    pub(super) fn take_value(&mut self) -> Result<Stored> {
        self.skip();
        self.values.next().ok_or_else(|| self.contradiction())
    }

    /// Passes over an entry without a value.
    pub(super) fn skip(&mut self) {
        self.at += 1;
    }

    fn read_batch(&mut self, rows: usize) -> Result<()> {
        self.allowance.renew();
        self.definition_levels.clear();
        self.repetition_levels.clear();
        self.at = 0;
        let mut batch = Batch {
            rows,
            definition_levels: &mut self.definition_levels,
            repetition_levels: &mut self.repetition_levels,
            entries: 0,
        };
        let values = batch.read_any(&mut self.reader)?;
        self.entries = batch.entries;
        self.values = values.into_iter();
        if self.entries == 0 { Err(self.contradiction()) } else { Ok(()) }
    }

    fn contradiction(&self) -> ParquetError {
        let path = self.descriptor.path().string();
        ParquetError::General(format!("column {path:?} does not have as many values as the others"))
    }
}

struct Batch<'a> {
    rows: usize,
    definition_levels: &'a mut Vec<i16>,
    repetition_levels: &'a mut Vec<i16>,
    entries: usize,
}

impl Batch<'_> {
    fn read_any(&mut self, reader: &mut ColumnReader) -> Result<Vec<Stored>> {
        match reader {
            ColumnReader::BoolColumnReader(reader) => self.read(reader, Stored::Boolean),
            ColumnReader::Int32ColumnReader(reader) => self.read(reader, Stored::Int32),
            ColumnReader::Int64ColumnReader(reader) => self.read(reader, Stored::Int64),
            ColumnReader::Int96ColumnReader(reader) => self.read(reader, |value| match value.data() {
                [low, high, julian_day] => {
                    let nanos = u64::from(*low) | u64::from(*high) << 32;
                    Stored::Int96 { julian_day: *julian_day, nanos }
                }
                _ => Stored::Int96 { julian_day: 0, nanos: 0 },
            }),
            ColumnReader::FloatColumnReader(reader) => self.read(reader, Stored::Float),
            ColumnReader::DoubleColumnReader(reader) => self.read(reader, Stored::Double),
            ColumnReader::ByteArrayColumnReader(reader) => self.read(reader, bytes_of),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                self.read(reader, |value| bytes_of(value.into()))
            }
        }
    }

    fn read<T: DataType>(
        &mut self,
        reader: &mut ColumnReaderImpl<T>,
        to_stored: impl Fn(T::T) -> Stored,
    ) -> Result<Vec<Stored>> {
        let mut values = Vec::new();
        let definition_levels = Some(&mut *self.definition_levels);
        let repetition_levels = Some(&mut *self.repetition_levels);
        let (_, _, entries) =
            reader.read_records(self.rows, definition_levels, repetition_levels, &mut values)?;
        self.entries = entries;
        Ok(values.into_iter().map(to_stored).collect())
    }
}

fn bytes_of(value: ByteArray) -> Stored {
    Stored::Bytes(Bytes::copy_from_slice(value.data()))
}
