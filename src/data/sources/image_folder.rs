//! A folder for each class, with images of any size.
//!
//! Which folders these are is for [`Layout`] to find. Images may lie deeper below a class. Class names are the folders'
//! names, sorted as text; files that are no images are named, hidden ones are not.
//!
//! Training images are put into a random order that depends on the seed alone, test images into one that is always the
//! same: in the order of the files, limits and the `tail` split would take whole classes.

mod classes;
mod folders;
mod layout;
mod matching;
mod nesting;
mod unused;

use std::path::{Path, PathBuf};

use classes::{numbered, one_class};
use folders::PartFolder;
use layout::Layout;
use unused::Unused;

use crate::data::decode::decode_file;
use crate::data::decoded::{Manner, Place};
use crate::data::error::Error;
use crate::data::files::{Walk, entries};
use crate::data::footprint::decoding;
use crate::data::format::{Labels, Parts, Reader, Request, Seen, Wanted};
use crate::data::images::Part;
use crate::data::kind::is_image;
use crate::data::loaded::Listed;
use crate::data::pick::Subset;
use crate::progress::Progress;
use crate::resize::shape_to;
use crate::spec::{Choice, Dataset};
use crate::split::{PartName, test_order};

/// The folders of an image dataset.
struct Folders {
    root: PathBuf,
    layout: Layout,
    /// Sorted.
    classes: Vec<String>,
}

/// Images by their files, with their new labels.
type Files = Vec<(PathBuf, u32)>;

/// The images of each part, `None` for a part that the folders do not have.
struct PartFiles {
    train: Files,
    validation: Option<Files>,
    test: Option<Files>,
}

impl PartFiles {
    fn labels(&self) -> Labels {
        let labels = |files: &Files| files.iter().map(|(_, label)| *label).collect();
        Labels {
            train: labels(&self.train),
            groups: Vec::new(),
            validation: self.validation.as_ref().map(labels),
            test: self.test.as_ref().map(labels),
            is_mixed: true,
            sets: None,
        }
    }

    fn into_paths(self) -> Vec<PathBuf> {
        let parts = [Some(self.train), self.validation, self.test];
        let files = parts.into_iter().flatten().flatten();
        files.map(|(path, _)| path).collect()
    }
}

impl Folders {
    /// Looks at the folders only, and checks that all parts have the same classes.
    fn find(root: &Path, chosen: Option<&[Choice]>) -> Result<Self, Error> {
        let name = |choice: &'_ Choice| match choice {
            Choice::Name(name) => Some(name.clone()),
            Choice::Index(_) => None,
        };
        let named: Option<Vec<String>> = chosen.unwrap_or_default().iter().map(name).collect();
        let named = named.unwrap_or_default();
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        let layout = Layout::find(root, &named)?;
        let classes = layout.train.classes.iter().map(|(name, _)| name.clone());
        Ok(Folders {
            root: root.to_owned(),
            classes: classes.collect(),
            layout,
        })
    }

    fn parts(&self) -> impl Iterator<Item = &PartFolder> {
        let Layout {
            train,
            validation,
            test,
            ..
        } = &self.layout;
        [Some(train), validation.as_ref(), test.as_ref()]
            .into_iter()
            .flatten()
    }

    /// A walk that goes from a class neither into another one nor above the dataset.
    fn walk(&self) -> Result<Walk, Error> {
        let classes = self.parts().flat_map(|part| &part.classes);
        let parts = self.parts().map(|part| part.path.as_path());
        let folders = classes.map(|(_, folder)| folder.as_path()).chain(parts);
        Walk::beside(folders.chain([self.root.as_path()]))
    }

    fn relative(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        path.to_string_lossy().into_owned()
    }

    /// The images of the chosen classes by their parts, and what of the files is not used.
    ///
    /// # Errors
    /// A class without a training image.
    fn listed(&self, subset: &Subset) -> Result<(PartFiles, Unused), Error> {
        let mut unused = Unused::of(&self.root);
        let mut list = |part: &PartFolder| self.list(part, subset, &mut unused);
        let Layout {
            train,
            validation,
            test,
            ..
        } = &self.layout;
        let files = PartFiles {
            train: list(train)?,
            validation: validation.as_ref().map(&mut list).transpose()?,
            test: test.as_ref().map(&mut list).transpose()?,
        };
        if self.layout.train.path != self.root {
            unused.add(entries(&self.root)?.1);
        }
        Ok((files, unused))
    }

    /// The images of the chosen classes in a part with their new labels, class by class, sorted.
    fn list(
        &self,
        part: &PartFolder,
        subset: &Subset,
        unused: &mut Unused,
    ) -> Result<Files, Error> {
        let mut images = Vec::new();
        let mut walk = self.walk()?;
        let is_train = part.path == self.layout.train.path;
        unused.add(entries(&part.path)?.1);
        for (old, (_, folder)) in part.classes.iter().enumerate() {
            let Some(label) = subset.label(old) else {
                continue;
            };
            let (found, others): (Vec<_>, Vec<_>) = walk
                .files(folder)?
                .into_iter()
                .partition(|file| is_image(file));
            if found.is_empty() && is_train {
                return Err(without_image(folder, others));
            }
            unused.see(folder, &found);
            unused.add(others);
            images.extend(found.into_iter().map(|file| (file, label)));
        }
        unused.add_again(walk.again);
        Ok(images)
    }

    /// The images of a list, and the places in it of those that were skipped.
    fn decode(
        &self,
        list: Files,
        (part, place): (PartName, &Place),
        request: &Request<'_>,
        progress: &dyn Progress,
    ) -> Result<(Part, Vec<usize>), Error> {
        let name = part.as_str();
        let manner = Manner {
            part,
            resizing: &request.resizing,
            on_bad: request.spec.on_bad_image,
            what: &format!("Decoding the {name} images of {}", self.root.display()),
            progress,
        };
        let part = Part {
            labels: list.iter().map(|(_, label)| *label).collect(),
            files: Some(list.iter().map(|(path, _)| self.relative(path)).collect()),
            originals: Some(list.iter().map(|(path, _)| path.clone()).collect()),
            ..Part::default()
        };
        place.filled(part, &manner, |canvas| {
            canvas.add(&list, |(path, _), place| {
                shape_to(&decode_file(path)?, manner.resizing, place);
                Ok(())
            })
        })
    }
}

pub(super) fn open(spec: &Dataset, path: &Path) -> Result<Box<dyn Reader>, Error> {
    Ok(Box::new(Folders::find(path, spec.classes.as_deref())?))
}

impl Reader for Folders {
    fn classes(&self) -> Vec<String> {
        self.classes.clone()
    }

    fn look(&self, spec: &Dataset, subset: &Subset) -> Result<Seen, Error> {
        if let [only] = &subset.names[..] {
            return Err(one_class(&self.layout, only));
        }
        let (files, unused) = self.listed(subset)?;
        let labels = files.labels();
        if spec.classes.is_none() {
            unused.refuse_most(labels.count())?;
        }
        let mut notes = self.layout.notes.clone();
        notes.extend(numbered(&self.classes, &self.root));
        notes.extend(unused.notes());
        if labels.test.is_none() && spec.test_split <= 0.0 {
            notes.push("no test images; dataset.test_split = 0.15 would hold some out".into());
        }
        Ok(Seen {
            decoding: decoding(files.into_paths()),
            labels: Some(labels),
            notes,
        })
    }

    /// Decodes the images that are wanted to squares, RGB.
    fn read(&self, request: &Request<'_>, progress: &dyn Progress) -> Result<Parts, Error> {
        // All parts are listed before the first image is decoded: decoding takes long.
        let (files, _) = self.listed(request.subset)?;
        let PartFiles {
            train: all,
            validation,
            test,
        } = files;
        let labels: Vec<u32> = all.iter().map(|(_, label)| *label).collect();
        let wanted = request.wanted((&labels, &[]), test.is_some());
        let train: Files = wanted.iter().map(|&at| all[at as usize].clone()).collect();
        let test = test.map(|test| limited_test(test, request.spec.test_limit));
        let validation = validation.filter(|_| request.wanted == Wanted::All);
        let held_out = [&validation, &test].into_iter().flatten();
        let place = request.place(train.len() + held_out.map(Vec::len).sum::<usize>())?;
        let mut skipped = 0;
        let mut decode = |files: Files, part| -> Result<(Part, Vec<usize>), Error> {
            let (part, bad) = self.decode(files, (part, &place), request, progress)?;
            skipped += bad.len();
            Ok((part, bad))
        };
        let (train, bad) = decode(train, PartName::Training)?;
        let optional =
            [(validation, PartName::Validation), (test, PartName::Test)].map(|(files, part)| {
                let read = files.map(|files| decode(files, part).map(|(part, _)| part));
                read.transpose()
            });
        let [validation, test] = optional;
        Ok(Parts {
            train,
            listed: Some(Listed::mixed((labels, Vec::new()), &wanted, &bad)),
            validation: validation?,
            test: test?,
            skipped,
        })
    }

    /// Every image of every part, by its name inside the dataset's folder.
    fn files(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        let mut files = Vec::new();
        for part in self.parts() {
            let mut walk = self.walk()?;
            for (_, folder) in &part.classes {
                files.extend(walk.files(folder)?);
            }
        }
        files.retain(|file| is_image(file));
        Ok(files
            .into_iter()
            .map(|file| (self.relative(&file), file))
            .collect())
    }
}

/// The first images of a test part in its order.
fn limited_test(files: Files, limit: Option<usize>) -> Files {
    let labels: Vec<u32> = files.iter().map(|(_, label)| *label).collect();
    let order = test_order(&labels, true).into_iter();
    let chosen = order.take(limit.unwrap_or(usize::MAX));
    chosen.map(|at| files[at as usize].clone()).collect()
}

/// A class that cannot be learned.
fn without_image(folder: &Path, others: Vec<PathBuf>) -> Error {
    let mut what = Unused::of(folder);
    what.add(others);
    let found = what
        .notes()
        .pop()
        .map_or(String::new(), |note| format!("; {note}"));
    let message = format!("has no image that is read; every class needs training images{found}");
    Error::file(folder, message)
}
