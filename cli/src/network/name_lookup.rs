//! Whether a host has an address. The HTTP clients report that like any other connection that fails.

use std::io;

use reqwest::Url;
use tokio::net::lookup_host;

use super::proxy::{Proxy, trim_brackets};

/// A name without an address, and why it has none.
pub(crate) struct UnknownName {
    pub(crate) name: String,
    pub(crate) error: io::Error,
}

/// Looks up the host of `url`. `None` if it has an address, or if a proxy looks it up.
pub(crate) async fn find_unknown_name(url: &Url) -> Option<UnknownName> {
    let name = trim_brackets(url.host_str()?);
    if matches!(Proxy::for_url(url), Ok(Some(_))) {
        return None;
    }
    let error = lookup_host((name, url.port_or_known_default()?)).await.err()?;
    Some(UnknownName { name: name.to_owned(), error })
}
