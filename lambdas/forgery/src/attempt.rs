//! A request that must be refused.

/// One request and how it must be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What is wrong with it, in a few words; no two attempts have the same.
    pub name: String,
    pub method: &'static str,
    /// With the query.
    pub path: String,
    /// Names in lower case; one may be there twice.
    pub headers: Vec<(String, String)>,
    /// Empty where there is none.
    pub body: String,
    pub expected: Expected,
}

/// The refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    pub status: u16,
    /// The last part of the problem's `type`; none where the answer has no body.
    pub problem: Option<&'static str>,
    /// The error code of `WWW-Authenticate` (RFC 6750, section 3.1): none without that header, empty where the
    /// challenge has no code.
    pub challenge: Option<&'static str>,
}
