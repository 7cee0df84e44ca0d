//! Where rows come from: an object, read row by row in windows.

mod object;
mod row_stream;
mod window;

pub(crate) use object::{Object, put_csv};
pub(crate) use row_stream::{Source, WindowSize};
pub(crate) use window::Window;
