//! The objects of a Python pickle, as far as files of weights have them.

/// A place among [`Objects`].
pub type Id = u32;

/// An object, with the places of what is in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    Int(i64),
    Text(String),
    /// Also of lists and sets.
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// Something by its module and name.
    Global(String, String),
    /// What a call of the first with the second would give.
    Call(Id, Id),
    /// What lies outside of the pickle under this name.
    Persistent(Id),
    /// Anything that no weights are made of.
    Other,
}

/// All objects of a pickle.
#[derive(Debug)]
pub struct Objects {
    all: Vec<Object>,
    root: Id,
}

impl Objects {
    /// Those of a pickle that is of `root`.
    pub fn new(all: Vec<Object>, root: Id) -> Self {
        Objects { all, root }
    }

    /// How many there are.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// What the pickle is of.
    pub fn root(&self) -> Id {
        self.root
    }

    pub fn get(&self, id: Id) -> &Object {
        self.all.get(id as usize).unwrap_or(&Object::Other)
    }

    /// What is in a tuple; none of other objects.
    pub fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Object::Tuple(all) => Some(all),
            _ => None,
        }
    }

    pub fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A count or a size.
    pub fn size(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Object::Int(n) => usize::try_from(*n).ok(),
            _ => None,
        }
    }

    /// A tuple of sizes.
    pub fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        self.tuple(id)?.iter().map(|id| self.size(*id)).collect()
    }

    /// The module and name of a global.
    pub fn global(&self, id: Id) -> Option<(&str, &str)> {
        match self.get(id) {
            Object::Global(module, name) => Some((module, name)),
            _ => None,
        }
    }
}
