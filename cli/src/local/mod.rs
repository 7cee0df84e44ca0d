//! The local cloud: an emulator of AWS, a development identity provider and a TLS front.
