//! The proxy that the environment names, as for the AWS CLI and curl.
//!
//! Only HTTPS goes through it. What is not encrypted goes to the local cloud, to an emulator, or to the metadata service of
//! an instance or a container (169.254.169.254 and others), which no proxy reaches.

use std::{env, fmt};

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::Url;
use restctl_contract::issuer::is_loopback_host;

use crate::failure::{Failure, Result};

/// The first of these that is set names the proxy. The AWS CLI, too, prefers those in lower case ("Using an HTTP proxy for the
/// AWS CLI", AWS CLI User Guide).
const PROXY_VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const NO_PROXY_VARIABLES: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// This machine, which no proxy reaches.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

const DEFAULT_PORT: u16 = 80;

#[derive(Clone)]
pub(crate) struct Proxy {
    /// The variable that names it.
    pub(crate) variable: &'static str,
    /// Contains the password, if there is one.
    pub(crate) url: Url,
    /// The hosts that are reached without it, as in `NO_PROXY`.
    pub(crate) exceptions: String,
}

impl Proxy {
    /// Returns the proxy. `None` if the environment names none.
    pub(crate) fn from_environment() -> Result<Option<Self>> {
        Self::from_variables(|name| env::var(name).ok())
    }

    /// Returns the proxy on the way to `host`. `None` if there is none. On the way to this machine, it need not be one that
    /// restctl can use.
    pub(crate) fn on_the_way_to(host: &str) -> Result<Option<Self>> {
        if is_loopback_host(host) {
            return Ok(None);
        }
        Ok(Self::from_environment()?.filter(|proxy| proxy.is_on_the_way_to(host)))
    }

    /// Returns the proxy on the way to the host of `url`. `None` if there is none.
    pub(crate) fn for_url(url: &Url) -> Result<Option<Self>> {
        url.host_str().map(trim_brackets).map_or(Ok(None), Self::on_the_way_to)
    }

    fn from_variables(read: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let find = |names: &[&'static str]| names.iter().find_map(|name| Some((*name, read(name)?)));
        let Some((variable, address)) = find(&PROXY_VARIABLES).filter(|(_, address)| !address.is_empty())
        else {
            return Ok(None);
        };
        let (_, exceptions) = find(&NO_PROXY_VARIABLES).unwrap_or_default();
        match parse_address(&address) {
            Some(url) => Ok(Some(Self { variable, url, exceptions: format!("{LOOPBACK},{exceptions}") })),
            None => Err(unusable(variable)),
        }
    }

    pub(crate) fn is_on_the_way_to(&self, host: &str) -> bool {
        self.intercept(host).is_some()
    }

    /// Returns the setting of an HTTP client for a host that the proxy is on the way to.
    pub(crate) fn to_client_proxy(&self) -> Result<reqwest::Proxy> {
        reqwest::Proxy::https(self.url.as_str()).map_err(|_| unusable(self.variable))
    }

    /// Returns its host, without the brackets of an IPv6 address, and its port.
    pub(super) fn host_and_port(&self) -> (&str, u16) {
        let host = self.url.host_str().unwrap_or_default();
        (trim_brackets(host), self.url.port().unwrap_or(DEFAULT_PORT))
    }

    /// Returns the value of `Proxy-Authorization` for a tunnel to `host`. `None` if the address has no user name.
    pub(super) fn authorization(&self, host: &str) -> Option<HeaderValue> {
        self.intercept(host)?.basic_auth().cloned()
    }

    /// Asks the matcher that the HTTP clients use.
    fn intercept(&self, host: &str) -> Option<Intercept> {
        let matcher = Matcher::builder().https(self.url.as_str()).no(&self.exceptions).build();
        let uri = Uri::builder().scheme("https").authority(bracketed(host)).path_and_query("/").build();
        matcher.intercept(&uri.ok()?)
    }
}

/// Shows the address without the user name and the password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = self.host_and_port();
        write!(f, "http://{}:{port}", bracketed(host))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// Returns the host that a URL or an authority contains, which has an IPv6 address in brackets.
pub(super) fn trim_brackets(host: &str) -> &str {
    host.trim_matches(['[', ']'])
}

/// Returns a host as it is written in a URL.
pub(super) fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Parses the address of a proxy, which may lack its scheme. `None` if it is not that of an HTTP proxy.
fn parse_address(address: &str) -> Option<Url> {
    let with_scheme = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    Url::parse(&with_scheme).ok().filter(|url| url.scheme() == "http" && url.has_host())
}

/// Does not show the address, which may contain a password.
pub(crate) fn unusable(variable: &str) -> Failure {
    Failure::usage(format!("{variable} is not the address of a proxy that restctl can use"))
        .why("it can use http://HOST:PORT and http://USER:PASSWORD@HOST:PORT, percent-encoded")
        .next(format!("export {variable}=http://HOST:PORT, or unset it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(variables: &[(&str, &str)]) -> Result<Option<Proxy>> {
        Proxy::from_variables(|name| {
            variables.iter().find(|(each, _)| *each == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_variables_of_the_aws_cli_name_the_proxy() {
        for (variables, address) in [
            (vec![], None),
            (vec![("HTTP_PROXY", "http://plain:1")], None),
            (vec![("HTTPS_PROXY", "http://proxy:3128/")], Some("http://proxy:3128")),
            (vec![("ALL_PROXY", "proxy")], Some("http://proxy:80")),
            (vec![("https_proxy", "lower:1"), ("HTTPS_PROXY", "upper:2")], Some("http://lower:1")),
            (vec![("https_proxy", ""), ("HTTPS_PROXY", "upper:2")], None),
            (vec![("HTTPS_PROXY", "http://[::2]:3128")], Some("http://[::2]:3128")),
            (vec![("HTTPS_PROXY", "http://us%40er:p%23ss@proxy:3128")], Some("http://proxy:3128")),
        ] {
            let proxy = parse(&variables).unwrap();
            assert_eq!(proxy.map(|proxy| proxy.to_string()).as_deref(), address, "{variables:?}");
        }
        for address in ["socks5://u:secret@proxy:1080", "https://u:secret@proxy:443", "http://u:secret@:1"] {
            let failure = parse(&[("HTTPS_PROXY", address)]).unwrap_err().to_string();
            assert!(failure.contains("HTTPS_PROXY") && !failure.contains("secret"), "{failure}");
        }
    }

    #[test]
    fn this_machine_and_the_exceptions_are_reached_without_it() {
        let exceptions = "internal.example, .corp.example,10.0.0.0/8";
        let proxy =
            parse(&[("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", exceptions)]).unwrap().unwrap();
        for (host, expected) in [
            ("sts.eu-west-1.amazonaws.com", true),
            ("notinternal.example", true),
            ("11.0.0.1", true),
            ("::3", true),
            ("internal.example", false),
            ("api.internal.example", false),
            ("a.corp.example", false),
            ("10.1.2.3", false),
            ("localhost", false),
            ("restctl.localhost", false),
            ("127.0.0.2", false),
            ("::1", false),
        ] {
            assert_eq!(proxy.is_on_the_way_to(host), expected, "{host}");
        }
        let url = Url::parse("https://[2001:db8::1]/").unwrap();
        assert!(proxy.is_on_the_way_to(trim_brackets(url.host_str().unwrap())));
        let all = parse(&[("HTTPS_PROXY", "http://proxy:3128"), ("no_proxy", "*")]).unwrap().unwrap();
        assert!(!all.is_on_the_way_to("example.com"));
    }

    #[test]
    fn a_password_is_sent_and_not_shown() {
        let proxy = parse(&[("HTTPS_PROXY", "http://us%40er:p%23ss@proxy:3128")]).unwrap().unwrap();
        // us@er:p#ss
        assert_eq!(proxy.authorization("example.com").unwrap(), "Basic dXNAZXI6cCNzcw==");
        assert_eq!(format!("{proxy:?}"), "Proxy(http://proxy:3128)");
    }
}
