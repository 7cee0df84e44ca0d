//! The whole function: the real binary behind the Lambda Runtime API.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod authorization;
mod head;
mod hostile_requests;
mod hostile_tokens;
mod issuers;
mod items;
mod list;
mod outages;
mod settings;
mod stage;
