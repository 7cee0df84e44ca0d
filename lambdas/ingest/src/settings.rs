//! The function's settings, which the template passes as environment variables.

use restctl_aws::{BoxError, required_variable};
use restctl_contract::key::Key;
use restctl_contract::template::variable;

pub(crate) struct Settings {
    pub(crate) items_table: String,
    pub(crate) ledger_table: String,
    pub(crate) load_queue: String,
    pub(crate) dead_letter_queue: String,
    pub(crate) key: Key,
}

impl Settings {
    pub(crate) fn from_environment() -> Result<Self, BoxError> {
        Ok(Self {
            items_table: required_variable(variable::ITEMS_TABLE)?,
            ledger_table: required_variable(variable::LEDGER_TABLE)?,
            load_queue: required_variable(variable::LOAD_QUEUE)?,
            dead_letter_queue: required_variable(variable::DEAD_LETTER_QUEUE)?,
            key: Key {
                name: required_variable(variable::KEY_NAME)?,
                kind: required_variable(variable::KEY_TYPE)?.parse()?,
            },
        })
    }
}
