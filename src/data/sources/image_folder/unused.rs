//! What lies in a dataset's folders and is not used, to be named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::data::kind::{self, Kind, head, is_image};
use crate::spec::Problem;
use crate::text::counted;

/// So many files are opened to see what they are.
const LOOKED_AT: usize = 100;

/// Files and folders of a dataset that no image is read from.
#[derive(Debug)]
pub(super) struct Unused {
    root: PathBuf,
    files: Vec<PathBuf>,
    /// Images that lie in no class's folder: nothing says what they show.
    images: Vec<PathBuf>,
    /// Links that lead to folders which are read elsewhere, or to what they lie in.
    again: Vec<PathBuf>,
    /// The first folder inside a class folder: its images are of that class.
    inside: Option<PathBuf>,
    /// Folders of classes without an image, in parts that are not trained on.
    empty: Vec<PathBuf>,
}

impl Unused {
    pub fn of(root: &Path) -> Self {
        Unused {
            root: root.to_owned(),
            files: Vec::new(),
            images: Vec::new(),
            again: Vec::new(),
            inside: None,
            empty: Vec::new(),
        }
    }

    pub fn add(&mut self, files: Vec<PathBuf>) {
        let (images, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| is_image(file));
        self.images.extend(images);
        self.files.extend(others);
    }

    /// Refuses a dataset of which most images lie in no class's folder, `used` ones in one.
    ///
    /// # Errors
    /// How many, and where.
    pub fn refuse_most(&self, used: usize) -> Result<(), Problem> {
        let Some(images) = self.without_class().filter(|_| self.images.len() > used) else {
            return Ok(());
        };
        let place = self.root.display();
        let message = format!("{place} has {images}, and {used} in them");
        let help =
            "put each image into the folder of its class; images without a class belong elsewhere";
        Err(Problem::new("dataset.path", message).help(help))
    }

    /// `5 images beside the folders of the classes, e.g. train/1.png`
    fn without_class(&self) -> Option<String> {
        let first = self.relative(self.images.first()?);
        let images = counted(self.images.len(), "image");
        Some(format!(
            "{images} beside the folders of the classes, e.g. {first}"
        ))
    }

    pub fn add_again(&mut self, folders: Vec<PathBuf>) {
        self.again.extend(folders);
    }

    /// Images of `class`, of which those in folders inside it are to be mentioned; it may have none.
    pub fn see(&mut self, class: &Path, images: &[PathBuf]) {
        if images.is_empty() {
            self.empty.push(class.to_owned());
        }
        let inside = images.iter().filter_map(|file| file.parent());
        let mut inside = inside.filter(|folder| *folder != class);
        if self.inside.is_none() {
            self.inside = inside.next().map(Path::to_owned);
        }
    }

    /// A line for each kind of thing.
    pub fn notes(&self) -> Vec<String> {
        let place = self.root.display();
        let mut notes = Vec::new();
        if let Some(images) = self.without_class() {
            notes.push(format!("not used in {place}: {images}"));
        }
        if let Some(first) = self.files.first() {
            let (count, first) = (counted(self.files.len(), "file"), self.relative(first));
            let kinds = kinds(&self.files);
            notes.push(format!(
                "not used in {place}: {count} ({kinds}), e.g. {first}"
            ));
        }
        if let Some(first) = self.again.first() {
            let (count, first) = (self.again.len(), self.relative(first));
            notes.push(format!(
                "{count} {} in {place} to what is read already, e.g. {first}: not followed",
                if count == 1 {
                    "link leads"
                } else {
                    "links lead"
                }
            ));
        }
        if let Some(inside) = &self.inside {
            let inside = self.relative(inside);
            notes.push(format!(
                "images in folders inside a class's folder are of that class, e.g. in {inside}/"
            ));
        }
        for folder in &self.empty {
            notes.push(format!("no image in {}/", self.relative(folder)));
        }
        notes
    }

    fn relative(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        path.display().to_string()
    }
}

/// `3 WebP, 1 HEIC`
fn kinds(files: &[PathBuf]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (i, file) in files.iter().enumerate() {
        *counts.entry(name(file, i < LOOKED_AT)).or_insert(0) += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let parts: Vec<String> = counts
        .iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    parts.join(", ")
}

/// What a file is: by its first bytes, else by its name's ending.
fn name(file: &Path, look: bool) -> String {
    let head = look.then(|| head(file)).flatten();
    match head.map(|head| kind::of(&head)) {
        Some(Kind::Image) => "image of another ending".into(),
        Some(Kind::Other(name)) => match name.split_once(' ') {
            Some(("a" | "an", rest)) => rest.to_owned(),
            _ => name.to_owned(),
        },
        Some(Kind::Unknown) | None => match file.extension() {
            Some(ending) => format!(".{}", ending.to_string_lossy().to_lowercase()),
            None => "without ending".into(),
        },
    }
}
