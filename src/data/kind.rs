//! What a file is, told by its first bytes.

use std::io::Read;
use std::path::Path;

use crate::files::open_regular;

/// What files of images end with; those without an ending are looked into.
const EXTENSIONS: [&str; 10] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "tif", "tiff",
];

/// The formats that are read, for people.
pub(super) const READ: &str = "JPEG, PNG, WebP, GIF, BMP and TIFF";

/// So many bytes tell it.
const HEAD: usize = 512;

/// A kind of file, by what it begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of a format that is read.
    Image,
    /// Another kind, with its article: `a HEIC`.
    Other(&'static str),
    Unknown,
}

/// What images that are read begin with, from a place on, and what they are called.
const FORMATS: &[(usize, &[u8], &str)] = &[
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"GIF8", "GIF"),
    (8, b"WEBP", "WebP"),
    (0, b"BM", "BMP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
];

/// What other files begin with, from a place on.
const OTHERS: &[(usize, &[u8], &str)] = &[
    (0, b"II+\0", "a BigTIFF"),
    (4, b"ftypavif", "an AVIF"),
    (4, b"ftypavis", "an AVIF"),
    (4, b"ftyphei", "a HEIC"),
    (4, b"ftyphev", "a HEIC"),
    (4, b"ftypmif1", "a HEIC"),
    (4, b"ftypmsf1", "a HEIC"),
    (4, b"ftyp", "a video"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (0, b"\0\0\x01\0", "an icon (ICO)"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL"),
    (0, b"\xff\x0a", "a JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (0, b"P5", "a PGM"),
    (0, b"P6", "a PPM"),
    (0, b"%PDF", "a PDF"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x89HDF", "an HDF5 file"),
    (0, b"PAR1", "a Parquet table"),
    (
        0,
        b"version https://git-lfs",
        "a Git LFS pointer, not the file itself",
    ),
];

/// Whether a file is an image that is read: by its ending, or without one by its first bytes.
pub(super) fn is_image(path: &Path) -> bool {
    match path.extension() {
        Some(ending) => EXTENSIONS
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known)),
        None => head(path).is_some_and(|head| of(&head) == Kind::Image),
    }
}

/// The first bytes of a regular file.
pub(super) fn head(file: &Path) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    let file = open_regular(file).ok()?;
    file.take(HEAD as u64).read_to_end(&mut head).ok()?;
    Some(head)
}

/// The format of an image that is read and begins with these bytes.
pub(super) fn format(head: &[u8]) -> Option<&'static str> {
    named(head, FORMATS)
}

fn named(head: &[u8], signatures: &[(usize, &[u8], &'static str)]) -> Option<&'static str> {
    let begins = |(at, bytes, _): &&(usize, &[u8], &str)| {
        head.get(*at..).is_some_and(|rest| rest.starts_with(bytes))
    };
    signatures.iter().find(begins).map(|(.., name)| *name)
}

/// What a file that begins with these bytes is.
pub(super) fn of(head: &[u8]) -> Kind {
    if format(head).is_some() {
        return Kind::Image;
    }
    if head.is_empty() {
        return Kind::Other("an empty file");
    }
    if let Some(name) = named(head, OTHERS) {
        return Kind::Other(name);
    }
    let text = head.trim_ascii_start().to_ascii_lowercase();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let has = |word: &[u8]| text.windows(word.len()).any(|window| window == word);
    if text.starts_with(b"<svg") || (text.starts_with(b"<?xml") && has(b"<svg")) {
        Kind::Other("an SVG")
    } else if text.starts_with(b"<!doctype html") || text.starts_with(b"<html") {
        Kind::Other("a web page (HTML)")
    } else {
        Kind::Unknown
    }
}

/// Why bytes that are no image are not read.
pub(super) fn why_not(bytes: &[u8]) -> String {
    match of(bytes.get(..HEAD).unwrap_or(bytes)) {
        Kind::Other(name) => format!("{name}; only {READ} are read"),
        Kind::Image | Kind::Unknown => format!("no image of a format that is read ({READ})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_are_not_read_are_named() {
        for (bytes, name) in [
            (&b"\0\0\0\x18ftypheic\0\0\0\0"[..], "a HEIC"),
            (b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF"),
            (b"<?xml version='1.0'?>\n<svg xmlns='", "an SVG"),
            (b"\n<!DOCTYPE HTML>", "a web page"),
            (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
            (b"", "an empty file"),
        ] {
            let why = why_not(bytes);
            assert!(why.contains(name) && why.contains(READ), "{why}");
        }
        assert!(why_not(b"nothing").starts_with("no image of a format that is read"));
    }
}
