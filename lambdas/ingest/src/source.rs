//! The rows of an object, read in windows.

mod object;
mod object_bytes;
mod row_stream;
mod window;

pub(crate) use object::{Object, parse_dialect};
pub(crate) use object_bytes::read_head;
pub(crate) use row_stream::{RowStream, WindowSize};
pub(crate) use window::Window;
