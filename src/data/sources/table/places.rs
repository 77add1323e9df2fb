//! Where the images lie that a table names.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};

use super::mistakes::Mistakes;
use crate::data::error::Error;
use crate::data::files::{entries, file_name};
use crate::data::kind::{self, Kind, is_image};
use crate::foreign;
use crate::spec::OnBadImage;
use crate::text::counted;

/// So many folders are looked into for images that are not where they should be.
const LOOKED_INTO: usize = 100;

/// Finds images by their names in a table.
pub(super) struct Places<'a> {
    folder: &'a Path,
    on_bad: OnBadImage,
    listings: HashMap<PathBuf, Listing>,
    missing: Mistakes,
    first_missing: Option<String>,
    ambiguous: Mistakes,
    /// How many names without an ending were found with each.
    endings: BTreeMap<String, usize>,
    /// Names of images that lie elsewhere.
    outside: Mistakes,
    turned: usize,
}

/// The images in a folder.
#[derive(Default)]
struct Listing {
    by_stem: HashMap<String, Vec<String>>,
}

/// An image: its name inside the folder, and its file.
pub(super) type Image = (String, PathBuf);

impl<'a> Places<'a> {
    pub fn new(folder: &'a Path, on_bad: OnBadImage) -> Self {
        Places {
            folder,
            on_bad,
            listings: HashMap::new(),
            missing: Mistakes::default(),
            first_missing: None,
            ambiguous: Mistakes::default(),
            endings: BTreeMap::new(),
            outside: Mistakes::default(),
            turned: 0,
        }
    }

    /// The image of a name that stands in a `place` of the table.
    pub fn find(&mut self, name: &str, place: &str) -> Image {
        let found = self.find_named(name, place);
        let path = Path::new(&found.0);
        let leads_out = path.components().any(|part| part == Component::ParentDir)
            || path.is_absolute() && !path.starts_with(self.folder);
        if leads_out {
            self.outside.add(|| found.0.clone());
        }
        found
    }

    fn find_named(&mut self, name: &str, place: &str) -> Image {
        let file = self.file(name);
        if file.is_file() {
            if self.on_bad == OnBadImage::Error && !is_image(&file) {
                self.check_kind(&file, name, place);
            }
            return (name.to_owned(), file);
        }
        let turned = name.replace('\\', "/");
        if turned != name && self.file(&turned).is_file() {
            self.turned += 1;
            let file = self.file(&turned);
            return (turned, file);
        }
        match self.by_stem(name) {
            [] => {
                let what = if file.is_dir() { ", a folder" } else { "" };
                self.missing.add(|| format!("{place}: \"{name}\"{what}"));
                self.first_missing.get_or_insert_with(|| name.to_owned());
                (name.to_owned(), file)
            }
            [only] => {
                let ending = Path::new(only).extension().unwrap_or_default();
                let ending = format!(".{}", ending.to_string_lossy());
                let whole = format!("{name}{ending}");
                *self.endings.entry(ending).or_default() += 1;
                let file = self.file(&whole);
                (whole, file)
            }
            several => {
                let several = several.join(" and ");
                self.ambiguous
                    .add(|| format!("{place}: \"{name}\" may be {several}"));
                (name.to_owned(), file)
            }
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        // Without `.`, so that two ways to a file are seen to be one.
        self.folder.join(name).components().collect()
    }

    /// The images whose names are a name and an ending.
    fn by_stem(&mut self, name: &str) -> &[String] {
        let file = self.file(name);
        let folder = file.parent().unwrap_or(self.folder).to_owned();
        let stem = file_name(&file);
        let listing = self
            .listings
            .entry(folder)
            .or_insert_with_key(|folder| Listing::of(folder));
        listing.by_stem.get(&stem).map_or(&[], Vec::as_slice)
    }

    /// Refuses a file that is there and no image.
    fn check_kind(&mut self, file: &Path, name: &str, place: &str) {
        if let Some(head) = kind::head(file)
            && kind::of(&head) != Kind::Image
        {
            let why = kind::why_not(&head);
            self.missing.add(|| format!("{place}: \"{name}\" ({why})"));
        }
    }

    /// What is to be said of how the images of a column were found.
    ///
    /// # Errors
    /// Images that are not there, or not clear.
    pub fn finish(self, column: &str, notes: &mut Vec<String>) -> Result<(), Error> {
        let what = "a name that several images have, but for their endings";
        self.ambiguous.refuse("image_column", what, || {
            "write the whole names, with their endings".into()
        })?;
        let folder = foreign::path(self.folder);
        let missing = self.missing.count();
        if self.on_bad == OnBadImage::Error {
            let what = format!("an image that is not in {folder}, or is none");
            self.missing.refuse("path", &what, || self.help())?;
        } else if missing > 0 {
            notes.push(format!(
                "{} not in {folder} and skipped: {}",
                match missing {
                    1 => "1 image is".into(),
                    _ => format!("{missing} images are"),
                },
                self.missing.listed()
            ));
        }
        if !self.endings.is_empty() {
            let counts: Vec<String> = self
                .endings
                .iter()
                .map(|(e, n)| format!("{e} ({n})"))
                .collect();
            let counts = counts.join(", ");
            notes.push(format!(
                "column {column}: names without an ending, found as {counts}"
            ));
        }
        if self.turned > 0 {
            let count = counted(self.turned, "name");
            notes.push(format!("column {column}: \\ in {count} is taken as /"));
        }
        if self.outside.count() > 0 {
            let count = counted(self.outside.count(), "image");
            let names = self.outside.listed();
            notes.push(format!(
                "column {column}: {count} outside of {folder}: {names}"
            ));
        }
        Ok(())
    }

    /// What may help where images are missing: the folder that they are in.
    fn help(&self) -> String {
        let otherwise = "names are relative to the table's folder, or to `dataset.images`; dataset.on_bad_image = \"skip\" \
                         leaves out what is not there"
            .to_owned();
        let Some(name) = &self.first_missing else {
            return otherwise;
        };
        let folders = entries(self.folder).map_or(Vec::new(), |(folders, _)| folders);
        let parent = self.folder.parent().map(Path::to_owned);
        let mut near = folders.into_iter().take(LOOKED_INTO).chain(parent);
        let has_it = |folder: &PathBuf| {
            let file = folder.join(name);
            let stem = file_name(&file);
            let listing = || Listing::of(file.parent().unwrap_or(folder));
            file.is_file() || listing().by_stem.contains_key(&stem)
        };
        match near.find(has_it) {
            Some(folder) => format!(
                "\"{name}\" is in {folder}: set `dataset.images` to it",
                folder = foreign::path(&folder)
            ),
            None => otherwise,
        }
    }
}

impl Listing {
    fn of(folder: &Path) -> Self {
        let mut listing = Listing::default();
        let files = entries(folder).map_or(Vec::new(), |(_, files)| files);
        for file in files.into_iter().filter(|file| file.extension().is_some()) {
            if !is_image(&file) {
                continue;
            }
            let stem = file.file_stem().unwrap_or_default();
            let stem = stem.to_string_lossy().into_owned();
            let same = listing.by_stem.entry(stem).or_default();
            same.push(file_name(&file));
        }
        listing
    }
}
