//! The rows of an object, read in windows.

mod object;
mod row_stream;
mod window;

pub(crate) use object::Object;
pub(crate) use row_stream::{RowStream, WindowSize};
pub(crate) use window::Window;
