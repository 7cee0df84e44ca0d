//! The whole function: the real binary behind the Lambda Runtime API.

mod authorization;
mod items;
mod keys;
mod stage;
