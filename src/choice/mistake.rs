//! What is wrong with options that are each in their range.

/// Options that do not go together, or not with what stands beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The key that is to be changed, of the table where the choice stands.
    pub key: &'static str,
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Mistake {
    /// A mistake without further help.
    pub fn new(key: &'static str, message: impl Into<String>) -> Self {
        Mistake {
            key,
            message: message.into(),
            help: None,
        }
    }

    /// Adds what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
