//! A tar file as a file of a table: a row per sample.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::super::table::mistakes::Mistakes;
use super::super::table::{Columns, EncodedImages, Form, Images, Numbers, Sheet, Take};
use super::field::{self, Field, JSON};
use super::index::{self, Member, Sample};
use crate::data::error::{BadImage, Error};
use crate::data::files::file_name;
use crate::data::kind::is_image;
use crate::datasets::{GROUP_COLUMN, IMAGE_COLUMN, LABEL_COLUMN, SPLIT_COLUMN};
use crate::files::open_regular;
use crate::foreign;
use crate::spec::{Problem, nearest};
use crate::text::about_bytes;

/// So many bytes of images are in memory at once.
const AT_ONCE: u64 = 64 << 20;
/// The longest file that holds a label, in bytes.
const LONGEST_VALUE: u64 = 1 << 20;

pub(super) struct Shard {
    path: PathBuf,
    samples: Vec<Sample>,
    /// The image of each sample, by its place among the members.
    images: Vec<usize>,
}

impl Shard {
    /// A tar file whose images have an ending, or any that images have.
    ///
    /// # Errors
    /// As [`index::read`]; a sample without an image, or with several.
    pub fn open(path: PathBuf, ending: Option<&str>) -> Result<Self, Error> {
        let mut file = open_regular(&path).map_err(Error::io(&path))?;
        let samples = index::read(&path, &mut file)?;
        if samples.is_empty() {
            return Err(Error::file(&path, "has no rows: no sample is in it"));
        }
        let images = images(&path, &samples, ending)?;
        Ok(Shard {
            path,
            samples,
            images,
        })
    }

    fn image(&self, row: usize) -> Option<&Member> {
        self.samples.get(row)?.members.get(*self.images.get(row)?)
    }

    /// What a column has for each sample: the bytes of its file, empty where it is missing; and whether all are.
    fn files(&self, column: Field<'_>, file: &mut File) -> Result<Option<Vec<Vec<u8>>>, Error> {
        let member = |sample: &Sample| sample.member(column.ending).cloned();
        let members: Vec<Option<Member>> = self.samples.iter().map(member).collect();
        if members.iter().all(Option::is_none) {
            return Ok(None);
        }
        let mut all = Vec::with_capacity(members.len());
        for (sample, member) in self.samples.iter().zip(members) {
            let Some(member) = member else {
                all.push(Vec::new());
                continue;
            };
            if member.length > LONGEST_VALUE {
                let name = format!("{}.{}", sample.key, column.ending);
                let size = about_bytes(member.length);
                let message = format!("{} has {size}: no label", foreign::visible(&name));
                return Err(Error::file(&self.path, message));
            }
            all.push(bytes(file, &member).map_err(Error::io(&self.path))?);
        }
        Ok(Some(all))
    }

    /// A column's fields in JSON.
    fn fields(
        &self,
        column: Field<'_>,
        files: Vec<Vec<u8>>,
        numbers: &Numbers,
    ) -> Result<Vec<Option<Json>>, Error> {
        let mut all = Vec::with_capacity(files.len());
        for (row, bytes) in files.into_iter().enumerate() {
            if bytes.is_empty() {
                all.push(None);
                continue;
            }
            let found = column.in_json(&bytes).map_err(|why| {
                let place = numbers.place(row);
                Error::file(&self.path, format!("{place}: no JSON: {why}"))
            })?;
            all.push(found);
        }
        Ok(all)
    }

    /// A column of text, whole numbers or truth, as text.
    fn texts(
        &self,
        (key, column): (&'static str, &str),
        file: &mut File,
        numbers: &Numbers,
    ) -> Result<Vec<Option<String>>, Error> {
        let field = Field::of(column);
        let files = self.files(field, file)?;
        let files = files.ok_or_else(|| self.missing((key, column), file))?;
        if field.ending != JSON {
            return self.decoded(files, numbers);
        }
        let text = |json: Option<Json>| match json? {
            Json::String(text) => Some(text).filter(|text| !text.is_empty()),
            other @ (Json::Number(_) | Json::Bool(_)) => Some(other.to_string()),
            Json::Null | Json::Array(_) | Json::Object(_) => None,
        };
        let fields = self.fields(field, files, numbers)?.into_iter();
        Ok(fields.map(text).collect())
    }

    /// Files of text, without the spaces and line breaks around it.
    fn decoded(
        &self,
        files: Vec<Vec<u8>>,
        numbers: &Numbers,
    ) -> Result<Vec<Option<String>>, Error> {
        let mut all = Vec::with_capacity(files.len());
        for (row, bytes) in files.into_iter().enumerate() {
            let text = String::from_utf8(bytes).map_err(|_| {
                let place = numbers.place(row);
                Error::file(
                    &self.path,
                    format!("{place}: its label is no text in UTF-8"),
                )
            })?;
            let text = text.trim_start_matches('\u{feff}').trim();
            all.push(Some(text.to_owned()).filter(|text| !text.is_empty()));
        }
        Ok(all)
    }

    /// No sample has the file of a column: what there is.
    fn missing(&self, (key, column): (&str, &str), file: &mut File) -> Error {
        let first = self.samples.first();
        let members = first.map_or(&[][..], |sample| &sample.members);
        let mut there: Vec<String> = Vec::new();
        for member in members {
            there.push(member.ending.to_string());
            let is_json = &*member.ending == JSON && member.length <= LONGEST_VALUE;
            let json = is_json.then(|| bytes(file, member).ok()).flatten();
            let json: Option<Json> = json.and_then(|json| serde_json::from_slice(&json).ok());
            let names = json.as_ref().and_then(Json::as_object);
            there.extend(
                names
                    .iter()
                    .flat_map(|object| object.keys())
                    .map(|name| format!("{JSON}.{name}")),
            );
        }
        let message = format!(
            "{}: its samples have no \"{column}\"; the first has {}",
            foreign::path(&self.path),
            foreign::one_line(&there.join(", "))
        );
        let help = match nearest(column, there.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `dataset.{key} = \"{near}\"`?"),
            None => format!("set `dataset.{key}` to what is meant"),
        };
        Problem::new(format!("dataset.{key}"), message)
            .help(help)
            .into()
    }
}

impl Form for Shard {
    fn read(&self, columns: &Columns) -> Result<Sheet, Error> {
        let mut file = open_regular(&self.path).map_err(Error::io(&self.path))?;
        let numbers = Numbers::Samples(self.samples.iter().map(|s| s.key.clone()).collect());
        let column = Field::of(&columns.label);
        let key = LABEL_COLUMN.name;
        let files = self.files(column, &mut file)?;
        let files = files.ok_or_else(|| self.missing((key, &columns.label), &mut file))?;
        let (labels, counts, note) = match column.ending {
            JSON => {
                let fields = self.fields(column, files, &numbers)?;
                field::of_json(&self.path, fields, &numbers, columns)?
            }
            _ => field::of_text(
                &self.path,
                self.decoded(files, &numbers)?,
                &numbers,
                columns,
            )?,
        };
        let mut texts = |key: &'static str, column: &Option<String>| {
            let column = column.as_deref();
            let read = column.map(|column| self.texts((key, column), &mut file, &numbers));
            read.transpose()
        };
        let splits = texts(SPLIT_COLUMN.name, &columns.split)?;
        let groups = texts(GROUP_COLUMN.name, &columns.group)?;
        let shard = file_name(&self.path);
        let name = |(row, sample): (usize, &Sample)| {
            let ending = self.image(row).map_or("", |image| &image.ending);
            format!("{shard}/{}.{ending}", sample.key)
        };
        Ok(Sheet {
            path: self.path.clone(),
            part: None,
            images: Images::Packed(self.samples.iter().enumerate().map(name).collect()),
            labels,
            counts,
            names: None,
            splits,
            groups,
            delimiter: None,
            notes: note.into_iter().collect(),
            numbers,
        })
    }

    /// In the order of the file, as many as memory is to hold at once.
    fn by_group(&self, _: &Columns, rows: &[usize], take: &mut Take<'_>) -> Result<(), Error> {
        let mut file = open_regular(&self.path).map_err(Error::io(&self.path))?;
        let mut from = 0;
        while from < rows.len() {
            let mut group = Group::default();
            let mut size = 0;
            for &row in &rows[from..] {
                let image = self.image(row);
                let image = image.ok_or_else(|| self.bad(row, "there is no such sample"))?;
                if size > 0 && size + image.length > AT_ONCE {
                    break;
                }
                size += image.length;
                group.rows.push(row);
                let bytes = bytes(&mut file, image).map_err(Error::io(&self.path))?;
                group.images.push(bytes);
            }
            let range = from..from + group.rows.len();
            take(&group, &rows[range.clone()], range.clone())?;
            from = range.end;
        }
        Ok(())
    }

    fn bad(&self, row: usize, reason: &str) -> Error {
        let key = self.samples.get(row).map_or("", |sample| &sample.key);
        Error::Image(BadImage {
            path: self.path.join(key),
            row: None,
            reason: reason.to_owned(),
        })
    }
}

/// Images that are in memory.
#[derive(Default)]
struct Group {
    /// Ascending.
    rows: Vec<usize>,
    images: Vec<Vec<u8>>,
}

impl EncodedImages for Group {
    fn of_row(&self, row: usize) -> Option<&[u8]> {
        let at = self.rows.binary_search(&row).ok()?;
        Some(self.images.get(at)?)
    }
}

fn bytes(file: &mut File, member: &Member) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(member.offset))?;
    let mut bytes = Vec::new();
    file.take(member.length).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == member.length {
        true => Ok(bytes),
        false => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The place of each sample's image among its members.
fn images(path: &Path, samples: &[Sample], ending: Option<&str>) -> Result<Vec<usize>, Error> {
    let ending = ending.map(|ending| ending.trim_start_matches('.').to_lowercase());
    let is_one = |member: &Member| match &ending {
        Some(ending) => *member.ending == **ending,
        None => is_image(Path::new(&format!("image.{}", member.ending))),
    };
    let (mut without, mut several) = (Mistakes::default(), Mistakes::default());
    let mut images = Vec::with_capacity(samples.len());
    for sample in samples {
        let members = sample.members.iter().enumerate();
        let mut found = members.filter(|(_, member)| is_one(member));
        let place = || {
            format!(
                "{} sample {}",
                file_name(path),
                foreign::one_line(&sample.key)
            )
        };
        let (first, second) = (found.next(), found.next());
        match (first, second) {
            (Some((_, one)), Some((_, other))) => {
                several.add(|| format!("{}: {} and {}", place(), one.ending, other.ending));
            }
            (None, _) => {
                let there = sample.members.iter().map(|member| &*member.ending);
                let there = there.collect::<Vec<_>>().join(", ");
                without.add(|| format!("{}: {}", place(), foreign::one_line(&there)));
            }
            (Some(_), None) => {}
        }
        images.push(first.map_or(0, |(at, _)| at));
    }
    let help = || "name the ending of the images, e.g. image_column = \"jpg\"".to_owned();
    let what = match &ending {
        Some(ending) => format!("no .{ending} file"),
        None => "no image of a format that is read".into(),
    };
    without.refuse(IMAGE_COLUMN.name, &what, help)?;
    several.refuse(IMAGE_COLUMN.name, "several images", help)?;
    Ok(images)
}
