//! A request that must be refused.

/// A request, and how the API must refuse it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What is wrong with the request, in a few words. Each attempt has another name.
    pub name: String,
    pub method: &'static str,
    /// The path with its query.
    pub path: String,
    /// Headers by their lower-case names. A name may be repeated.
    pub headers: Vec<(String, String)>,
    /// Empty if the request has none.
    pub body: String,
    pub expected: ExpectedAnswer,
}

/// The parts of an answer that show how the API refused a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedAnswer {
    pub status: u16,
    /// The last part of the problem's `type`. None if the answer has no problem document.
    pub problem: Option<&'static str>,
    /// The error code of `WWW-Authenticate` (RFC 6750, section 3.1). None without that header, empty if the challenge has
    /// no code.
    pub challenge: Option<&'static str>,
}
