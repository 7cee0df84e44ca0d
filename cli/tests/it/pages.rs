//! The pages: short, with links that lead somewhere, and equal to the code wherever they list what it has.

mod commands;
mod infrastructure;
mod json_output;
mod links;
mod markdown;
mod permissions;
mod size;
mod source;
