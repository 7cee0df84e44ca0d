//! The bytes by which files are recognized.

/// What a zip archive begins with: a member, or the end of an archive without members (APPNOTE.TXT, 4.3).
pub(super) const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// A compound file ([MS-CFB], 2.2): Excel up to 2003, but also Word, or an encrypted workbook of today.
pub(super) const OLE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// Both the first and the last bytes of a Parquet file.
pub(super) const PARQUET: &[u8] = b"PAR1";

/// Likewise, if its footer is encrypted.
pub(super) const ENCRYPTED_PARQUET: &[u8] = b"PARE";

/// What comes first in the header of a Parquet page: field 1, a 32-bit integer, in Thrift's compact protocol.
pub(super) const PARQUET_PAGE_HEADER: u8 = 0x15;
