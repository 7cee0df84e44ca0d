use super::*;

#[test]
fn the_key_of_a_package_has_its_digest() {
    let key = format!("restctl-api-{}.zip", digest::sha256_hex(b"zip"));
    assert_eq!(package_digest(&key), Some(digest::sha256_base64(b"zip")));
    assert_eq!(package_digest("restctl-api.zip"), None);
}
