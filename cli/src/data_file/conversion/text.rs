//! Texts in other character encodings than UTF-8, compressed or not.

pub(super) mod guess;
pub(super) mod transcoding;

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use restctl_rows::Compression;

use self::guess::TextEncoding;
use self::transcoding::Transcoding;
use super::refusal::damaged;
use super::spool::Spool;
use super::{Converted, ObjectName};
use crate::data_file::source::Source;
use crate::failure::Result;

/// How much of a text shows what its encoding is.
const HEAD_BYTES: u64 = 4096;

const CHUNK_BYTES: usize = 64 * 1024;

/// Converts a text to UTF-8.
pub(super) async fn convert(source: &Source, encoding: TextEncoding) -> Result<Converted> {
    let mut spool = Spool::create()?;
    let mut text = decompress(source.reader()?).map_err(|error| damaged(&source.shown, &error))?;
    transcode(&mut text, &source.shown, encoding, &mut spool).await?;
    let source = spool.into_source(&source.shown)?;
    Ok(Converted { source, name: ObjectName::Kept, notes: vec![encoding.to_string()] })
}

/// Writes `text` to the spool as UTF-8.
pub(super) async fn transcode(
    text: &mut impl Read,
    shown: &str,
    encoding: TextEncoding,
    spool: &mut Spool,
) -> Result<()> {
    let mut transcoding = Transcoding::new(encoding);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = read_some(text, &mut chunk).map_err(|error| damaged(shown, &error))?;
        let read = chunk.get(..length).unwrap_or_default();
        let utf8 = transcoding.push(read, length == 0);
        spool.write(utf8.map_err(|fault| fault.into_failure(shown))?.as_bytes()).await?;
        if length == 0 {
            return Ok(());
        }
    }
}

/// Writes `text` to the spool as it is.
pub(super) async fn copy(text: &mut impl Read, shown: &str, spool: &mut Spool) -> Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match read_some(text, &mut chunk).map_err(|error| damaged(shown, &error))? {
            0 => return Ok(()),
            length => spool.write(chunk.get(..length).unwrap_or_default()).await?,
        }
    }
}

/// Returns the first bytes of a text, decompressed. They end where compressed data is damaged: the reader of all of it
/// will say so.
pub(super) fn read_head(source: &Source) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    if let Ok(text) = decompress(source.reader()?) {
        // What precedes the damage is in `head`.
        let _ = text.take(HEAD_BYTES).read_to_end(&mut head);
    }
    Ok(head)
}

/// Reads the first bytes of a text.
pub(super) fn take_head(text: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    text.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

/// Returns the text within `reader`, which may be compressed with gzip or zstd.
pub(super) fn decompress<'a>(mut reader: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut head = Vec::new();
    reader.by_ref().take(4).read_to_end(&mut head)?;
    let compression = Compression::from_first_bytes(&head);
    let whole = BufReader::with_capacity(CHUNK_BYTES, Cursor::new(head).chain(reader));
    Ok(match compression {
        Compression::Gzip => Box::new(MultiGzDecoder::new(whole)),
        // Its window has at most 128 MiB, like that of a load.
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(whole)?),
        Compression::None => Box::new(whole),
    })
}

fn read_some(text: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        match text.read(chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
