//! How this machine reaches other hosts: through which proxy, and whom it trusts.

pub(crate) mod certificate_refusal;
pub(crate) mod name_lookup;
pub(crate) mod page_text;
pub(crate) mod proxy;
pub(crate) mod relay;
pub(crate) mod tunnel;
