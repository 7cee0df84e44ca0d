use restctl_rows::Unreadable;

use crate::error::Error;

/// Why a load stops before the end of its file.
pub(crate) enum Stop {
    /// It would stop there again.
    ForGood(String),
    ForNow(Error),
}

impl Stop {
    pub(crate) fn object_gone() -> Self {
        Self::ForGood("the object was deleted before it was loaded: upload it again".to_owned())
    }
}

impl From<Unreadable> for Stop {
    fn from(unreadable: Unreadable) -> Self {
        Self::ForGood(unreadable.with_advice())
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::ForNow(error)
    }
}
