//! Where a dataset's files are.

/// The files of a dataset and their server.
#[derive(Clone, Copy, Debug)]
pub struct Download {
    pub server: Server,
    pub files: &'static [File],
}

/// One file of a dataset: its name, its length in bytes and its SHA-256.
#[derive(Clone, Copy, Debug)]
pub struct File(pub &'static str, pub u64, pub &'static str);

/// Where a dataset's files are.
#[derive(Clone, Copy, Debug)]
pub enum Server {
    /// In a folder of a dataset repository of the hub, at a fixed revision.
    Hub {
        repository: &'static str,
        revision: &'static str,
        folder: &'static str,
    },
    /// Below this address, which ends in a slash.
    Web(&'static str),
}
