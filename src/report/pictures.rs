//! A sheet of training images as a network sees them.

use maud::{DOCTYPE, Markup, html};

use super::page::head;
use super::sections::data_url;
use super::text::harmless;
use crate::run::Picture;
use crate::text::counted;

/// What stands above the pictures.
#[derive(Debug)]
pub struct About<'a> {
    /// The experiment's name.
    pub experiment: &'a str,
    /// The run whose images they are.
    pub run: &'a str,
    /// Its `[augmentation]`, as TOML.
    pub augmentation: &'a str,
    /// Height and width of the network's input, in pixels.
    pub size: (usize, usize),
    /// Whether images are mixed with others of their batch, which is not shown.
    pub is_mixed: bool,
}

/// The sheet as a page that needs nothing but a browser: an image in a row, an epoch in a column.
pub fn sheet(about: &About<'_>, pictures: &[Picture]) -> String {
    let epochs = pictures.first().map_or(0, |picture| picture.epochs.len());
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { (head(about.experiment, "training images")) }
            body {
                main {
                    h1 { (about.experiment) ": training images as the network sees them" }
                    p {
                        (counted(pictures.len(), "image")) " of the run " (about.run) ", at "
                        (about.size.0) "×" (about.size.1) " pixels, normalization undone. "
                        @if epochs == 1 { "They are the same in every epoch." }
                        @else { "Each column is an epoch." }
                        @if about.is_mixed { " Mixing (mixup, cutmix) depends on the batch and is not shown." }
                    }
                    @if !about.augmentation.trim().is_empty() { pre { (about.augmentation.trim()) } }
                    div.scroll { (table(pictures, epochs)) }
                }
            }
        }
    };
    harmless(page.into_string())
}

fn table(pictures: &[Picture], epochs: usize) -> Markup {
    html! {
        table.sheet {
            thead {
                tr {
                    th scope="col" { "class, file" }
                    @for epoch in 1..=epochs { th scope="col" { "epoch " (epoch) } }
                }
            }
            tbody {
                @for picture in pictures {
                    tr {
                        th scope="row" {
                            b { (picture.class) }
                            @if let Some(file) = &picture.file { br; span.file { (file) } }
                        }
                        @for (at, png) in picture.epochs.iter().enumerate() {
                            td {
                                img src=(data_url(png)) alt=(format!("{}, epoch {}", picture.class, at + 1));
                            }
                        }
                    }
                }
            }
        }
    }
}
