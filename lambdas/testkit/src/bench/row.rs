//! The rows of the file, generated from their numbers. Any part of the file and any item of the table can be generated
//! without storing either.

use std::io::Write;
use std::ops::Range;

use memchr::memmem;
use restctl_contract::key::WRITTEN_BY;
use serde_json::{Value, json};

const HEADER: &[u8] = b"id,sku,price,stock,active,name,category,supplier,weight,updated\n";

/// The types that `restctl upload` would find.
pub const COLUMN_TYPES: &str = "ssnnbsssns";

/// The length of each line, including its end.
const ROW_BYTES: u64 = 120;

/// The stamp of an old load.
const OLDER_STAMP: &str = "2020-01-01T00:00:00.000Z/2020-01-01T00:00:00.000Z/0000000000000000";

const CATEGORIES: [&str; 4] = ["fasteners", "abrasives", "adhesives", "hydraulic"];

/// Returns the size of the file with this many rows, in bytes.
pub fn file_size(rows: u64) -> u64 {
    HEADER.len() as u64 + rows * ROW_BYTES
}

/// Returns the bytes `range` of the file, which must be in it.
pub fn file_part(range: Range<u64>) -> Vec<u8> {
    let header = HEADER.len() as u64;
    let first = range.start.saturating_sub(header) / ROW_BYTES;
    let end = range.end.saturating_sub(header).div_ceil(ROW_BYTES);
    let mut part = Vec::with_capacity(HEADER.len() + ((end - first) * ROW_BYTES) as usize);
    part.extend_from_slice(HEADER);
    (first..end).for_each(|number| GeneratedRow::new(number).write_line(&mut part));
    // Where the header would begin if the rows before `first` were not in the file.
    let origin = first * ROW_BYTES;
    part.truncate((range.end - origin) as usize);
    part.drain(..(range.start - origin) as usize);
    part
}

/// The values of a row. Only `active` differs in width between rows, and `name` makes up for it.
pub struct GeneratedRow {
    id: u64,
    sku: u64,
    price: (u64, u64),
    pub stock: u64,
    active: bool,
    name: (u64, u64),
    category: &'static str,
    supplier: u64,
    weight: u64,
    updated: (u64, u64, u64, u64),
}

impl GeneratedRow {
    pub fn new(number: u64) -> Self {
        let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
        Self {
            id: number,
            sku: mixed & 0xFFFF_FFFF,
            // Numbers do not end with a zero after the point, because they are kept as written.
            price: (100 + mixed % 900, mixed / 900 % 10 * 10 + 1 + mixed % 9),
            stock: 100 + mixed / 7 % 900,
            active: !mixed.is_multiple_of(3),
            name: (mixed / 11 % 100, mixed / 13 % 1000),
            category: CATEGORIES[(mixed % 4) as usize],
            supplier: mixed / 17 % 1000,
            weight: 1000 + mixed / 19 % 900 * 10 + 1 + mixed % 9,
            updated: (1 + mixed % 12, 1 + mixed / 12 % 28, mixed / 23 % 24, mixed / 29 % 60),
        }
    }

    fn write_line(&self, out: &mut Vec<u8>) {
        let Self { id, sku, stock, active, category, supplier, .. } = self;
        let (price, name, weight, updated) =
            (self.price_text(), self.name_text(), self.weight_text(), self.updated_text());
        append_text(
            out,
            format_args!(
                "{id:08},SKU-{sku:08X},{price},{stock},{active},{name},{category},Supplier {supplier:03},{weight},{updated}\n"
            ),
        );
    }

    /// Returns the key in the table.
    pub fn id(&self) -> String {
        format!("{:08}", self.id)
    }

    /// Returns the item as the API returns it.
    pub fn to_json(&self) -> Value {
        let number = |digits: String| digits.parse().map_or(Value::Null, Value::Number);
        json!({
            "id": self.id(),
            "sku": format!("SKU-{:08X}", self.sku),
            "price": number(self.price_text()),
            "stock": self.stock,
            "active": self.active,
            "name": self.name_text(),
            "category": self.category,
            "supplier": format!("Supplier {:03}", self.supplier),
            "weight": number(self.weight_text()),
            "updated": self.updated_text(),
        })
    }

    /// Appends the item that an older load has stored, in DynamoDB's JSON.
    pub fn write_item(&self, out: &mut Vec<u8>) {
        let Self { id, sku, stock, active, category, supplier, .. } = self;
        let (price, name, weight, updated) =
            (self.price_text(), self.name_text(), self.weight_text(), self.updated_text());
        append_text(out, format_args!(r#"{{"id":{{"S":"{id:08}"}},"sku":{{"S":"SKU-{sku:08X}"}},"#));
        append_text(out, format_args!(r#""price":{{"N":"{price}"}},"stock":{{"N":"{stock}"}},"#));
        append_text(out, format_args!(r#""active":{{"BOOL":{active}}},"name":{{"S":"{name}"}},"#));
        append_text(
            out,
            format_args!(r#""category":{{"S":"{category}"}},"supplier":{{"S":"Supplier {supplier:03}"}},"#),
        );
        append_text(out, format_args!(r#""weight":{{"N":"{weight}"}},"updated":{{"S":"{updated}"}},"#));
        append_text(out, format_args!(r#""{WRITTEN_BY}":{{"S":"{OLDER_STAMP}"}}}}"#));
    }

    fn price_text(&self) -> String {
        format!("{}.{:02}", self.price.0, self.price.1)
    }

    fn name_text(&self) -> String {
        let plural = if self.active { "s" } else { "" };
        format!("Hexagon bolt{plural} M{:02} x {:03} mm zinc", self.name.0, self.name.1)
    }

    fn weight_text(&self) -> String {
        format!("{}.{:03}", self.weight / 1000, self.weight % 1000)
    }

    fn updated_text(&self) -> String {
        let (month, day, hour, minute) = self.updated;
        format!("2026-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z")
    }
}

/// Returns the ids in a request to DynamoDB without parsing its JSON. An id is eight digits somewhere after the name,
/// whatever the whitespace.
pub fn find_ids(body: &[u8]) -> impl Iterator<Item = u64> {
    memmem::find_iter(body, "\"id\":").filter_map(|at| {
        let rest = &body[at..];
        let first = rest.iter().position(u8::is_ascii_digit)?;
        str::from_utf8(rest.get(first..first + 8)?).ok()?.parse().ok()
    })
}

fn append_text(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a vector accepts every write");
}
