//! The pages are short, their links work, and their lists of what the code contains are complete.

mod commands;
mod controls;
mod first_deployment;
mod infrastructure;
mod json_output;
mod links;
mod markdown;
mod permissions;
mod size;
mod source;

pub(crate) use commands::leaf_commands;
pub(crate) use json_output::assert_as_documented;
