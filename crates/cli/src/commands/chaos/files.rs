//! The files of messages: small, of kinds that every vendor takes, and each names its message in its own bytes, so that
//! one that has gone astray can be told from the one that should be there.

use rand::RngExt;
use rand::rngs::StdRng;
use std::fmt::Write;
use twinwire_sandbox::MediaFile;

/// Around the name of a file, in its bytes.
const OPENS: &str = "[[";
const CLOSES: &str = "]]";
/// Bytes that say nothing, in a file.
const FILLING: std::ops::Range<usize> = 100..4_000;

/// A file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct File {
    /// Its media type.
    pub(super) kind: String,
    pub(super) bytes: Vec<u8>,
}

impl File {
    /// One of this name; what fills it is left to chance.
    pub(super) fn draw(name: &str, chance: &mut StdRng) -> Self {
        let filling = chance.random_range(FILLING);
        let filling: String = (0..filling).map(|_| char::from(chance.random_range(b'a'..=b'z'))).collect();
        let text = format!("{OPENS}{name}{CLOSES} {filling}");
        if chance.random_bool(0.6) {
            return Self { kind: "image/png".to_owned(), bytes: png(&text) };
        }
        let card = format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Robin\r\nNOTE:{text}\r\nEND:VCARD\r\n");
        Self { kind: "text/vcard".to_owned(), bytes: card.into_bytes() }
    }

    /// The same as somebody sends it.
    pub(super) fn to_send(&self) -> MediaFile {
        let name = if self.kind == "image/png" { "picture.png" } else { "card.vcf" };
        MediaFile::new(name, &self.kind, self.bytes.clone())
    }

    /// The name in its bytes.
    fn name(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let name = text.split_once(OPENS).and_then(|(_, rest)| rest.split_once(CLOSES));
        name.map_or("a strange file", |(name, _)| name).to_owned()
    }
}

/// What is said of a message's files; nothing where there are none.
pub(super) fn named(files: &[File]) -> String {
    let mut said = String::new();
    for (nth, file) in files.iter().enumerate() {
        let (before, length) = (if nth == 0 { " with " } else { " and " }, file.bytes.len());
        // Writing to a string cannot fail.
        write!(said, "{before}{} ({}, {length} bytes)", file.name(), file.kind).unwrap_or_default();
    }
    said
}

/// A picture of one dot, with a comment.
fn png(comment: &str) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, *b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
    chunk(&mut png, *b"tEXt", format!("Comment\0{comment}").as_bytes());
    // Two noughts, stored as they are.
    chunk(&mut png, *b"IDAT", &[0x78, 1, 1, 2, 0, 0xfd, 0xff, 0, 0, 0, 2, 0, 1]);
    chunk(&mut png, *b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let sum = kind.iter().chain(content).fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    });
    png.extend_from_slice(&length.to_be_bytes());
    png.extend_from_slice(&kind);
    png.extend_from_slice(content);
    png.extend_from_slice(&(!sum).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_file_names_its_message_and_no_two_are_alike() {
        let mut chance = StdRng::seed_from_u64(1);
        let files: Vec<File> = (0..20).map(|nth| File::draw(&format!("file {nth}"), &mut chance)).collect();
        for (nth, file) in files.iter().enumerate() {
            assert_eq!(file.name(), format!("file {nth}"));
            assert!(file.bytes.len() < 5_000 && files.iter().filter(|other| *other == file).count() == 1);
        }
        assert!(
            named(&files[..2]).contains(" with file 0 (") && named(&files[..2]).contains(" and file 1 (")
        );
    }

    #[test]
    fn a_picture_ends_as_every_picture_does() {
        let end = [0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82];
        assert!(png("x").ends_with(&end), "{:?}", png("x"));
    }
}
