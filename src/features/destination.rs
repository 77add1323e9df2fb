//! Where features go while they are computed.

use super::Features;
use super::file::Writer;
use super::folder::Folder;
use super::key::Key;
use super::policy::Storage;
use crate::graph::{Graph, Shape};

/// What is kept: the values of some nodes.
pub(super) struct Kept {
    pub name: String,
    pub shapes: Vec<Shape>,
}

impl Kept {
    pub fn of(graph: &Graph, nodes: &[usize]) -> Self {
        let names: Vec<&str> = nodes.iter().map(|node| graph.through(*node)).collect();
        let found = nodes.iter().filter_map(|node| graph.nodes().get(*node));
        Kept {
            name: names.join(" and "),
            shapes: found.map(|node| node.output).collect(),
        }
    }

    /// Values of one image.
    pub fn width(&self) -> usize {
        self.shapes.iter().map(Shape::elements).sum()
    }
}

/// Where features go while they are computed.
pub(super) struct Destination<'a> {
    folder: &'a Folder,
    memory: Option<Vec<f32>>,
    file: Option<Writer>,
}

impl<'a> Destination<'a> {
    /// In a folder, all of whose files together are to take so many bytes at most.
    pub fn new((folder, limit): (&'a Folder, u64), place: Storage, key: &Key, kept: &Kept) -> Self {
        let (images, width) = (place.images, kept.width());
        let memory = || {
            let mut values = Vec::new();
            values.try_reserve_exact(images * width).ok()?;
            Some(values)
        };
        let file = || folder.written(folder.begin(key, (images, width), limit));
        Destination {
            folder,
            memory: place.memory.then(memory).flatten(),
            file: place.disk.then(file).flatten(),
        }
    }

    /// Whether they still go anywhere.
    pub fn push(&mut self, values: &[f32]) -> bool {
        if let Some(memory) = &mut self.memory {
            memory.extend_from_slice(values);
        }
        if let Some(mut file) = self.file.take() {
            let pushed = file.push(values);
            self.file = self.folder.written(pushed).map(|()| file);
        }
        self.memory.is_some() || self.file.is_some()
    }

    /// All of them, from memory where they are there.
    pub fn finish(self, key: &Key, kept: &Kept, images: usize) -> Option<Features> {
        let folder = self.folder;
        let written = self.file.and_then(|file| folder.written(file.finish()));
        if let Some(values) = self.memory {
            return Some(Features::in_memory(kept.shapes.clone(), values));
        }
        written?;
        let file = self.folder.find(key, (images, kept.width()))?;
        Some(Features::stored(kept.shapes.clone(), file))
    }
}
