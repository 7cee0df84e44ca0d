//! Items of the table: one by its id, several by their ids, or all of them page by page.

mod attribute;
pub(crate) mod batch;
pub(crate) mod cursor;
pub(crate) mod id;
pub(crate) mod list;
pub(crate) mod size;
pub(crate) mod table;
