//! A folder a class, with JPEG and PNG images of any size.
//!
//! Either the class folders lie directly in the dataset's folder, or in `train/`, `val/` (also `valid/`,
//! `validation/`) and `test/` inside it, the last two of which may be missing. Images may lie deeper below a class.
//! Class names are the folders' names, sorted; other files are ignored, hidden ones silently.
//!
//! Training and test images are put into a random order that depends on the seed alone: in the order of the files,
//! limits and the `tail` split would take whole classes.

use std::path::{Path, PathBuf};

use super::decode::{Decoding, MOST_BYTES, decode_upright};
use super::files::{entries, file_name, walk};
use super::pick::{Picker, Pickers};
use super::resize::Resizer;
use super::{BadImage, Error, Images, Part, Parts};
use crate::fetch::Progress;
use crate::files::read_regular;
use crate::rng::{Purpose, Stream};
use crate::spec::OnBadImage;

const VALIDATION: [&str; 3] = ["val", "valid", "validation"];
const EXTENSIONS: [&str; 3] = ["jpg", "jpeg", "png"];
/// How deep below a class's folder images are looked for.
pub(super) const DEPTH: usize = 8;

/// The folders of an image dataset.
pub(super) struct Folders {
    root: PathBuf,
    train: PathBuf,
    validation: Option<PathBuf>,
    test: Option<PathBuf>,
    /// Sorted.
    pub classes: Vec<String>,
}

/// The streams of [`Purpose::Split`] that order images; the split itself has 0 as its epoch.
#[derive(Clone, Copy)]
enum Ordering {
    AsSorted = 0,
    Train = 1,
    Test = 2,
}

impl Folders {
    /// Looks at the folders only, and checks that all parts have the same classes.
    pub fn find(root: &Path) -> Result<Self, Error> {
        let sub = |names: &[&str]| -> Option<PathBuf> {
            names
                .iter()
                .map(|name| root.join(name))
                .find(|path| path.is_dir())
        };
        let (train, validation, test) = (sub(&["train"]), sub(&VALIDATION), sub(&["test"]));
        if train.is_none()
            && let Some(other) = validation.as_ref().or(test.as_ref())
        {
            let message = format!("has {}/ but no train/", file_name(other));
            return Err(Error::file(root, message));
        }
        let train = train.unwrap_or_else(|| root.to_owned());
        let folders = Folders {
            root: root.to_owned(),
            classes: classes(&train)?,
            train,
            validation,
            test,
        };
        if folders.classes.is_empty() {
            let message = "has no folders, expected one a class with its images inside";
            return Err(Error::file(&folders.train, message));
        }
        for other in folders.validation.iter().chain(&folders.test) {
            folders.check_classes(other)?;
        }
        Ok(folders)
    }

    fn check_classes(&self, other: &Path) -> Result<(), Error> {
        let there = classes(other)?;
        let differ = |has: &[String], lacks: &[String]| {
            has.iter().find(|class| !lacks.contains(class)).cloned()
        };
        let train = self.train.display();
        let message = match (differ(&self.classes, &there), differ(&there, &self.classes)) {
            (Some(class), _) => format!("has no folder \"{class}\", a class in {train}"),
            (_, Some(class)) => format!("has a folder \"{class}\", which is no class in {train}"),
            _ => return Ok(()),
        };
        Err(Error::file(other, message))
    }

    /// Every image of every part, by its name inside the dataset's folder.
    pub fn files(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        let parts = [
            Some(&self.train),
            self.validation.as_ref(),
            self.test.as_ref(),
        ];
        let mut files = Vec::new();
        for part in parts.into_iter().flatten() {
            for class in &self.classes {
                files.extend(walk(&part.join(class), DEPTH)?);
            }
        }
        files.retain(|file| is_image(file));
        Ok(files
            .into_iter()
            .map(|file| (self.relative(&file), file))
            .collect())
    }

    fn relative(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        path.to_string_lossy().into_owned()
    }

    /// Decodes the images that are wanted to squares of `size`, RGB.
    pub fn read(
        &self,
        size: usize,
        seed: u64,
        mut pickers: Pickers,
        on_bad: OnBadImage,
        progress: &dyn Progress,
    ) -> Result<Parts, Error> {
        let list = |folder: &Path, ordering, picker: &mut Picker| {
            self.list(folder, ordering, seed, picker)
        };
        // All parts are listed before the first image is decoded: decoding takes long.
        let train = list(&self.train, Ordering::Train, &mut pickers.train)?;
        let optional = |folder: &Option<PathBuf>, ordering, picker: &mut Picker| {
            let listed = folder.as_ref().map(|folder| list(folder, ordering, picker));
            listed.transpose()
        };
        let validation = optional(
            &self.validation,
            Ordering::AsSorted,
            &mut pickers.validation,
        )?;
        let test = optional(&self.test, Ordering::Test, &mut pickers.test)?;
        let mut skipped = 0;
        let mut decode = |list: Vec<_>, part: &str| -> Result<Part, Error> {
            let what = format!("Decoding the {part} images of {}", self.root.display());
            let (part, bad) = self.decode(list, size, &what, on_bad, progress)?;
            skipped += bad;
            Ok(part)
        };
        Ok(Parts {
            train: decode(train, "training")?,
            validation: validation
                .map(|list| decode(list, "validation"))
                .transpose()?,
            test: decode(test.unwrap_or_default(), "test")?,
            skipped,
        })
    }

    /// The wanted images of a part with their new labels, in the order they will have.
    fn list(
        &self,
        part: &Path,
        ordering: Ordering,
        seed: u64,
        picker: &mut Picker,
    ) -> Result<Vec<(PathBuf, u32)>, Error> {
        let mut images = Vec::new();
        let mut ignored = entries(part)?.1.len();
        let chosen = self.classes.iter().enumerate();
        for (label, class) in chosen.filter(|(label, _)| picker.wants(*label)) {
            let folder = part.join(class);
            let (found, others): (Vec<_>, Vec<_>) = walk(&folder, DEPTH)?
                .into_iter()
                .partition(|file| is_image(file));
            if found.is_empty() && part == self.train {
                let message = "has no JPEG or PNG image; every class needs training images";
                return Err(Error::file(&folder, message));
            }
            ignored += others.len();
            images.extend(found.into_iter().map(|file| (file, label as i64)));
        }
        if ignored > 0 {
            tracing::warn!(
                "{}: {ignored} files are neither JPEG nor PNG and are ignored",
                part.display()
            );
        }
        if !matches!(ordering, Ordering::AsSorted) {
            Stream::new(seed, Purpose::Split, ordering as u64, 0).shuffle(&mut images);
        }
        let mut wanted = Vec::new();
        for (file, label) in images {
            let new = picker.pick(label).map_err(|e| Error::file(&file, e))?;
            wanted.extend(new.map(|new| (file, new)));
        }
        Ok(wanted)
    }

    /// The images of a list, and how many of it were skipped.
    fn decode(
        &self,
        list: Vec<(PathBuf, u32)>,
        size: usize,
        what: &str,
        on_bad: OnBadImage,
        progress: &dyn Progress,
    ) -> Result<(Part, usize), Error> {
        let mut part = Part {
            images: Images::black(list.len(), size, size, 3)?,
            labels: list.iter().map(|(_, label)| *label).collect(),
            files: Some(list.iter().map(|(path, _)| self.relative(path)).collect()),
        };
        if list.is_empty() {
            return Ok((part, 0));
        }
        let mut decoding = Decoding::start(progress, what, list.len(), on_bad);
        let len = part.images.image_len();
        decoding.fill(&mut part.images.data, len, &list, |(path, _), place| {
            let encoded = read_regular(path, MOST_BYTES).map_err(Error::io(path))?;
            let decoded = decode_upright(&encoded).map_err(|reason| {
                Error::Image(BadImage {
                    path: path.clone(),
                    row: None,
                    reason,
                })
            })?;
            resize_to(&decoded, size, place);
            Ok(())
        })?;
        let skipped = decoding.finish(&mut part)?;
        Ok((part, skipped))
    }
}

/// The names of the folders in a part.
fn classes(part: &Path) -> Result<Vec<String>, Error> {
    entries(part)?
        .0
        .iter()
        .map(
            |folder| match folder.file_name().and_then(|name| name.to_str()) {
                Some(name) => Ok(name.to_owned()),
                None => Err(Error::file(folder, "the folder's name is not valid UTF-8")),
            },
        )
        .collect()
}

pub(super) fn is_image(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    EXTENSIONS
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}

/// To a square of `size`, rounded to bytes.
pub(super) fn resize_to(image: &image::RgbImage, size: usize, out: &mut [u8]) {
    let (width, height) = image.dimensions();
    let from = (height as usize, width as usize);
    if from == (size, size) {
        return out.copy_from_slice(image);
    }
    let mut resized = vec![0.0; size * size * 3];
    Resizer::new(from, (size, size)).resize::<3>(image, &mut Vec::new(), &mut resized);
    out.iter_mut()
        .zip(resized)
        .for_each(|(o, v)| *o = (v + 0.5) as u8);
}
