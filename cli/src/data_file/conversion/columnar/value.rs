//! The values of a column as JSON ("Parquet Logical Type Definitions").

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::ColumnDescriptor;

use super::column::Stored;
use crate::data_file::conversion::moment::NANOS_PER_DAY;
use crate::data_file::conversion::{json, moment, number};

/// The day 1 January 1970 in the count of days that INT96 has.
const JULIAN_DAY_OF_1970: i64 = 2_440_588;

/// What the values of a column mean, beyond how they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As they are stored: integers, floats, booleans, texts, bytes.
    Plain,
    Unsigned,
    Decimal {
        scale: u32,
    },
    Float16,
    Date,
    /// `nanos` are those of one unit.
    Time {
        nanos: i64,
    },
    Timestamp {
        nanos: i64,
        is_utc: bool,
    },
    Uuid,
    Interval,
}

/// What a file has and JSON does not.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    not_finite: u64,
    /// Names of columns with bytes that are no text.
    binary: BTreeSet<String>,
}

impl LeftOut {
    pub(super) fn add_notes(&self, notes: &mut Vec<String>) {
        match self.not_finite {
            0 => {}
            1 => notes.push("1 number that is infinite or NaN is left out".to_owned()),
            count => notes.push(format!("{count} numbers that are infinite or NaN are left out")),
        }
        if !self.binary.is_empty() {
            let names: Vec<String> = self.binary.iter().map(|name| format!("{name:?}")).collect();
            notes.push(format!("bytes that are no text become base64 in {}", names.join(", ")));
        }
    }
}

impl Kind {
    pub(super) fn of_column(column: &ColumnDescriptor) -> Self {
        match column.logical_type_ref() {
            Some(LogicalType::Integer(integer)) if !integer.is_signed => Self::Unsigned,
            Some(LogicalType::Decimal(decimal)) => Self::decimal(decimal.scale),
            Some(LogicalType::Float16) => Self::Float16,
            Some(LogicalType::Date) => Self::Date,
            Some(LogicalType::Time(time)) => Self::Time { nanos: nanos_of(&time.unit) },
            Some(LogicalType::Timestamp(timestamp)) => {
                Self::Timestamp { nanos: nanos_of(&timestamp.unit), is_utc: timestamp.is_adjusted_to_u_t_c }
            }
            Some(LogicalType::Uuid) => Self::Uuid,
            Some(_) => Self::Plain,
            None => Self::of_converted_type(column),
        }
    }

    /// Takes the annotations that came before logical types. Their timestamps are in UTC.
    fn of_converted_type(column: &ColumnDescriptor) -> Self {
        match column.converted_type() {
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Self::Unsigned,
            ConvertedType::DECIMAL => Self::decimal(column.type_scale()),
            ConvertedType::DATE => Self::Date,
            ConvertedType::TIME_MILLIS => Self::Time { nanos: 1_000_000 },
            ConvertedType::TIME_MICROS => Self::Time { nanos: 1000 },
            ConvertedType::TIMESTAMP_MILLIS => Self::Timestamp { nanos: 1_000_000, is_utc: true },
            ConvertedType::TIMESTAMP_MICROS => Self::Timestamp { nanos: 1000, is_utc: true },
            ConvertedType::INTERVAL => Self::Interval,
            _ => Self::Plain,
        }
    }

    fn decimal(scale: i32) -> Self {
        Self::Decimal { scale: u32::try_from(scale).unwrap_or(0) }
    }

    /// Appends a value of the column `name`. Returns false if JSON has none for it.
    pub(super) fn write(
        self,
        value: &Stored,
        name: &str,
        left_out: &mut LeftOut,
        out: &mut Vec<u8>,
    ) -> Result<bool> {
        if let Some(text) = self.text(value) {
            json::push_string(&text, out);
            return Ok(true);
        }
        match value {
            Stored::Boolean(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Stored::Bytes(bytes) if !matches!(self, Self::Decimal { .. } | Self::Float16) => {
                push_bytes(bytes, name, left_out, out);
            }
            _ => match self.number(value)? {
                Some(number) => out.extend_from_slice(number.as_bytes()),
                None => {
                    left_out.not_finite += 1;
                    return Ok(false);
                }
            },
        }
        Ok(true)
    }

    /// Returns the text of a value that is one in JSON, other than text itself.
    fn text(self, value: &Stored) -> Option<String> {
        match (self, value) {
            (Self::Date, Stored::Int32(days)) => Some(moment::date(i64::from(*days))),
            (Self::Time { nanos }, Stored::Int32(units)) => {
                Some(moment::time(i64::from(*units).saturating_mul(nanos)))
            }
            (Self::Time { nanos }, Stored::Int64(units)) => Some(moment::time(units.saturating_mul(nanos))),
            (Self::Timestamp { nanos, is_utc }, Stored::Int64(units)) => {
                let units_per_day = NANOS_PER_DAY / nanos;
                let (days, rest) = (units.div_euclid(units_per_day), units.rem_euclid(units_per_day));
                let zone = if is_utc { "Z" } else { "" };
                Some(moment::date_time(days, rest * nanos) + zone)
            }
            (_, Stored::Int96 { julian_day, nanos }) => {
                let days = i64::from(*julian_day) - JULIAN_DAY_OF_1970;
                Some(moment::date_time(days, i64::try_from(*nanos).unwrap_or(i64::MAX)))
            }
            (Self::Uuid, Stored::Bytes(bytes)) => uuid(bytes),
            (Self::Interval, Stored::Bytes(bytes)) => interval(bytes),
            _ => None,
        }
    }

    /// Returns the digits of a number. `None` if it is infinite or NaN.
    fn number(self, value: &Stored) -> Result<Option<String>> {
        let digits = match (self, value) {
            (Self::Unsigned, Stored::Int32(value)) => (*value as u32).to_string(),
            (Self::Unsigned, Stored::Int64(value)) => (*value as u64).to_string(),
            (_, Stored::Int32(value)) => value.to_string(),
            (_, Stored::Int64(value)) => value.to_string(),
            (_, Stored::Float(value)) => return Ok(number::shortest_f32(*value)),
            (_, Stored::Double(value)) => return Ok(number::shortest_f64(*value)),
            (Self::Float16, Stored::Bytes(bytes)) => {
                let bits = bytes.first_chunk().map(|bits| u16::from_le_bytes(*bits));
                return Ok(bits.map(number::f16_to_f32).and_then(number::shortest_f32));
            }
            (_, Stored::Bytes(bytes)) => number::big_integer(bytes)
                .ok_or_else(|| ParquetError::General(format!("a decimal has {} bytes", bytes.len())))?,
            (_, Stored::Boolean(_) | Stored::Int96 { .. }) => return Ok(None),
        };
        Ok(Some(match self {
            Self::Decimal { scale } => number::with_scale(&digits, scale),
            _ => digits,
        }))
    }
}

fn nanos_of(unit: &TimeUnit) -> i64 {
    match unit {
        TimeUnit::MILLIS => 1_000_000,
        TimeUnit::MICROS => 1000,
        _ => 1,
    }
}

/// Bytes without a type are a text if they can be one: writers of old files did not annotate text.
fn push_bytes(bytes: &[u8], name: &str, left_out: &mut LeftOut, out: &mut Vec<u8>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => json::push_string(text, out),
        Err(_) => {
            if !left_out.binary.contains(name) {
                left_out.binary.insert(name.to_owned());
            }
            json::push_string(&STANDARD.encode(bytes), out);
        }
    }
}

fn uuid(bytes: &[u8]) -> Option<String> {
    let bytes: [u8; 16] = bytes.try_into().ok()?;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    let part = |from, to| hex.get(from..to);
    Some([part(0, 8)?, part(8, 12)?, part(12, 16)?, part(16, 20)?, part(20, 32)?].join("-"))
}

/// Three little-endian numbers: months, days and milliseconds.
fn interval(bytes: &[u8]) -> Option<String> {
    let (parts, []) = bytes.as_chunks::<4>() else { return None };
    let [months, days, millis] = parts else { return None };
    let [months, days, millis] = [months, days, millis].map(|part| u32::from_le_bytes(*part));
    Some(format!("P{months}M{days}D{}", moment::duration(i64::from(millis)).trim_start_matches('P')))
}
