//! The OpenAPI document.

use restctl_contract::key::Key;

pub(crate) fn document(_key: &Key, _list: bool, _open: bool) -> String {
    r#"{"openapi":"3.1.0"}"#.to_owned()
}
