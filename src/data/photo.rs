//! Single images from files: what a trained model is to look at.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{ExtendedColorType, ImageEncoder, RgbImage, codecs::png::PngEncoder};

use super::decode::{decode_file, decode_upright};
use super::error::Error;
use super::files::file_name;
use super::images::{Images, Part};
use super::kind::is_image;
use crate::resize::Resizer;
use crate::resize::{Resizing, shape_to};

/// So deep in a folder images are looked for.
const DEPTH: usize = 32;

impl Part {
    /// The image in a file, upright, with label 0; `resized` to bytes, as images of an `image_folder` are,
    /// else in its own size.
    ///
    /// # Errors
    /// A file that cannot be read or does not decode.
    pub fn of_file(path: &Path, resized: Option<&Resizing>) -> Result<Part, Error> {
        Part::of_image(decode_file(path)?, resized)
    }

    /// As [`Part::of_file`], of a file's bytes.
    ///
    /// # Errors
    /// Why they do not decode.
    pub fn of_bytes(bytes: &[u8], resized: Option<&Resizing>) -> Result<Part, String> {
        Part::of_image(decode_upright(bytes)?, resized).map_err(|error| error.to_string())
    }

    fn of_image(decoded: RgbImage, resized: Option<&Resizing>) -> Result<Part, Error> {
        let (width, height) = decoded.dimensions();
        let images = match resized {
            Some(resizing) => {
                let mut images = Images::resized(1, resizing)?;
                shape_to(&decoded, resizing, &mut images.data);
                images
            }
            None => Images {
                data: decoded.into_raw(),
                count: 1,
                ..Images::empty(height as usize, width as usize, 3)
            },
        };
        Ok(Part {
            images,
            labels: vec![0],
            files: None,
            originals: None,
            label_sets: None,
        })
    }

    /// Image `i` as it is stored, as the bytes of a PNG file.
    pub fn png(&self, i: usize) -> Option<Vec<u8>> {
        let color = match self.images.channels {
            1 => ExtendedColorType::L8,
            _ => ExtendedColorType::Rgb8,
        };
        let (width, height) = (self.images.width as u32, self.images.height as u32);
        let mut png = Cursor::new(Vec::new());
        PngEncoder::new(&mut png)
            .write_image(&self.images.image(i)?, width, height, color)
            .ok()?;
        Some(png.into_inner())
    }
}

/// The image in a file, upright and in its own shape, its longer side at most `longest` pixels, as the bytes of a PNG
/// file; none where the file is gone or does not decode.
pub fn thumbnail(path: &Path, longest: usize) -> Option<Vec<u8>> {
    let mut part = Part::of_file(path, None).ok()?;
    let Images { height, width, .. } = part.images;
    let side = height.max(width);
    if side > longest {
        let scaled = |pixels: usize| ((pixels * longest + side / 2) / side).max(1);
        let (to_height, to_width) = (scaled(height), scaled(width));
        let mut resized = vec![0.0; to_height * to_width * 3];
        Resizer::new((height, width), (to_height, to_width)).resize::<3>(
            &part.images.data,
            &mut Vec::new(),
            &mut resized,
        );
        part.images = Images {
            data: resized.into_iter().map(|v| (v + 0.5) as u8).collect(),
            count: 1,
            ..Images::empty(to_height, to_width, 3)
        };
    }
    part.png(0)
}

/// The files themselves, and of folders the files of images at any depth that classes of an `image_folder` may have;
/// sorted within a folder. What cannot be looked into, or holds no image, is an error in its place: it does not keep the
/// others from being found.
pub fn image_files(paths: &[PathBuf]) -> Vec<Result<PathBuf, Error>> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(Ok(path.clone()));
            continue;
        }
        let before = found.len();
        look_into(path, &mut Vec::new(), &mut found);
        if found.len() == before {
            found.push(Err(Error::file(path, "has no image that is read")));
        }
    }
    found
}

/// Adds the images in a folder; `above` are the folders that led to it, which links may lead back to.
fn look_into(folder: &Path, above: &mut Vec<PathBuf>, found: &mut Vec<Result<PathBuf, Error>>) {
    let real = match fs::canonicalize(folder) {
        Ok(real) => real,
        Err(error) => return found.push(Err(Error::io(folder)(error))),
    };
    if above.contains(&real) || above.len() > DEPTH {
        return;
    }
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let mut paths: Vec<PathBuf> = match entries {
        Ok(entries) => entries.iter().map(fs::DirEntry::path).collect(),
        Err(error) => return found.push(Err(Error::io(folder)(error))),
    };
    paths.retain(|path| !file_name(path).starts_with('.'));
    paths.sort();
    above.push(real);
    for path in paths {
        if path.is_dir() {
            look_into(&path, above, found);
        } else if is_image(&path) {
            found.push(Ok(path));
        }
    }
    above.pop();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_written_as_png_is_read_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let data: Vec<u8> = (0..2 * 3 * 5 * 3).map(|v| v as u8).collect();
        let part = Part {
            images: Images {
                data,
                count: 2,
                ..Images::empty(3, 5, 3)
            },
            labels: vec![0, 0],
            files: None,
            originals: None,
            label_sets: None,
        };
        let path = folder.path().join("a.png");
        std::fs::write(&path, part.png(1).unwrap()).unwrap();
        let read = Part::of_file(&path, None).unwrap();
        assert_eq!(read.images.image(0), part.images.image(1));
        assert_eq!((read.images.height, read.images.width), (3, 5));
        assert!(part.png(2).is_none());
    }

    #[test]
    #[cfg(unix)]
    fn what_cannot_be_looked_into_does_not_hide_the_others() {
        use std::os::unix::fs::symlink;
        let tmp = tempfile::tempdir().unwrap();
        let folder = tmp.path();
        for inside in ["a/b", "empty"] {
            fs::create_dir_all(folder.join(inside)).unwrap();
        }
        for file in ["a/2.PNG", "a/b/1.jpg", "a/.hidden.jpg", "a/notes.txt"] {
            fs::write(folder.join(file), "").unwrap();
        }
        symlink(folder.join("a"), folder.join("a/again")).unwrap();
        symlink("nowhere", folder.join("a/gone.jpg")).unwrap();
        let found = image_files(&["missing.jpg", "empty", "a"].map(|name| folder.join(name)));
        let names: Vec<String> = found
            .iter()
            .map(|found| match found {
                Ok(path) => path.strip_prefix(folder).unwrap().display().to_string(),
                Err(error) => error.to_string(),
            })
            .collect();
        assert_eq!(names[0], "missing.jpg");
        assert!(names[1].ends_with("empty: has no image that is read"));
        assert_eq!(names[2..], ["a/2.PNG", "a/b/1.jpg", "a/gone.jpg"]);
    }
}
