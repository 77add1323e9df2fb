//! Values of the spec that can be written in more than one way.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::choice::{NumberOrWord, NumberOrWordVisitor};

/// A class by its name or by its index.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
    Name(String),
    Index(usize),
}

/// `freeze.through`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FreezeThrough {
    /// Everything trains.
    #[default]
    None,
    /// The whole backbone is frozen.
    All,
    /// Frozen through the layer of this name.
    Layer(String),
    /// Frozen as Keras's `layers[:N]`, where index 0 is the input layer.
    Count(usize),
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(
            match d.deserialize_any(NumberOrWordVisitor("a class name or index"))? {
                NumberOrWord::Number(n) => Choice::Index(n),
                NumberOrWord::Word(s) => Choice::Name(s),
            },
        )
    }
}

impl Serialize for Choice {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Choice::Name(n) => s.serialize_str(n),
            Choice::Index(i) => s.serialize_u64(*i as u64),
        }
    }
}

impl FreezeThrough {
    /// As specs have [`FreezeThrough::None`].
    pub const NOTHING: &str = "none";
    /// As specs have [`FreezeThrough::All`].
    pub const EVERYTHING: &str = "all";
}

impl<'de> Deserialize<'de> for FreezeThrough {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let expected = "a layer's name, \"none\", \"all\", or a number of layers";
        Ok(match d.deserialize_any(NumberOrWordVisitor(expected))? {
            NumberOrWord::Number(n) => FreezeThrough::Count(n),
            NumberOrWord::Word(s) => match s.as_str() {
                FreezeThrough::NOTHING => FreezeThrough::None,
                FreezeThrough::EVERYTHING => FreezeThrough::All,
                _ => FreezeThrough::Layer(s),
            },
        })
    }
}

impl Serialize for FreezeThrough {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            FreezeThrough::None => s.serialize_str(Self::NOTHING),
            FreezeThrough::All => s.serialize_str(Self::EVERYTHING),
            FreezeThrough::Layer(name) => s.serialize_str(name),
            FreezeThrough::Count(n) => s.serialize_u64(*n as u64),
        }
    }
}

/// `backbone.weights`: "imagenet", "keras", "random", a repository of timm's, a file, or `{ experiment = "pretrain.toml" }`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// Downloaded from the hub.
    #[default]
    Imagenet,
    /// Downloaded from this repository of the hub.
    Hub(Repository),
    /// Downloaded from where `keras.applications` has them.
    Keras,
    /// Drawn by the seed, as Keras draws them; for timm's architectures as timm does.
    Random,
    /// A file of weights (safetensors, PyTorch, Keras) with torchvision's, timm's or the runner's own names.
    File(PathBuf),
    /// The backbone that another experiment trained.
    Experiment(PathBuf),
}

/// A repository of timm's on the Hugging Face hub: `timm/resnet50.a1_in1k`, or with a commit `timm/resnet50.a1_in1k@b1c2…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// `timm/resnet50.a1_in1k`
    pub name: String,
    /// A commit, branch or tag; the head where there is none.
    pub revision: Option<String>,
}

/// What the names of files with weights end in, and those of repositories do not.
const FILE_ENDINGS: [&str; 6] = [".safetensors", ".pth", ".pt", ".bin", ".h5", ".keras"];

impl Repository {
    /// The repository that a text names; none where it is a file's path.
    pub fn named(text: &str) -> Option<Self> {
        let model = text.strip_prefix("timm/")?;
        let is_word = |word: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            !word.is_empty() && word.chars().all(allowed) && !word.contains("..")
        };
        let (model, revision) = match model.split_once('@') {
            Some((model, revision)) => (model, Some(revision)),
            None => (model, None),
        };
        let is_file = FILE_ENDINGS.iter().any(|ending| model.ends_with(ending));
        (!is_file && is_word(model) && revision.is_none_or(is_word)).then(|| Repository {
            name: format!("timm/{model}"),
            revision: revision.map(str::to_owned),
        })
    }
}

/// As it is written in a spec.
impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.revision {
            Some(revision) => write!(f, "@{revision}"),
            None => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Weights {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Weights;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("\"imagenet\", \"keras\", \"random\", a repository as \"timm/resnet50.a1_in1k\", a file, or { experiment = \"FILE\" }")
            }

            fn visit_str<E: de::Error>(self, v: &str) -> Result<Weights, E> {
                Ok(match v {
                    "imagenet" => Weights::Imagenet,
                    "keras" => Weights::Keras,
                    "random" => Weights::Random,
                    text => match Repository::named(text) {
                        Some(repository) => Weights::Hub(repository),
                        None => Weights::File(text.into()),
                    },
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Weights, A::Error> {
                let mut experiment = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key != "experiment" {
                        return Err(de::Error::unknown_field(&key, &["experiment"]));
                    }
                    experiment = Some(map.next_value::<PathBuf>()?);
                }
                experiment
                    .map(Weights::Experiment)
                    .ok_or_else(|| de::Error::missing_field("experiment"))
            }
        }
        d.deserialize_any(V)
    }
}

impl Serialize for Weights {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Weights::Imagenet => s.serialize_str("imagenet"),
            Weights::Keras => s.serialize_str("keras"),
            Weights::Random => s.serialize_str("random"),
            Weights::Hub(repository) => s.collect_str(repository),
            Weights::File(path) => path.serialize(s),
            Weights::Experiment(path) => {
                let mut map = s.serialize_map(Some(1))?;
                map.serialize_entry("experiment", path)?;
                map.end()
            }
        }
    }
}

/// `training.device`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// A GPU where one is built in and usable, else the CPU.
    #[default]
    Auto,
    Cpu,
    /// The CUDA device of this number.
    Cuda(usize),
    Metal,
}

impl FromStr for Device {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let cuda = |n: &str| n.parse().map(Device::Cuda).ok();
        match s {
            "auto" => Some(Device::Auto),
            "cpu" => Some(Device::Cpu),
            "cuda" => Some(Device::Cuda(0)),
            "metal" => Some(Device::Metal),
            _ => s.strip_prefix("cuda:").and_then(cuda),
        }
        .ok_or_else(|| {
            let near = super::nearest(s, ["auto", "cpu", "cuda", "metal"]);
            let meant = near.map_or(String::new(), |near| format!("; did you mean \"{near}\"?"));
            format!("unknown device \"{s}\", expected auto, cpu, cuda, cuda:N or metal{meant}")
        })
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Auto => f.write_str("auto"),
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda(0) => f.write_str("cuda"),
            Device::Cuda(n) => write!(f, "cuda:{n}"),
            Device::Metal => f.write_str("metal"),
        }
    }
}

/// A number of bytes, written as "8GiB", "500MB" or a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// Units of `Bytes`, the largest first within a family.
const BYTE_UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

impl FromStr for Bytes {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let wrong = || format!("\"{s}\" is not a size; expected e.g. \"8GiB\", \"500MB\" or \"0\"");
        let text = s.trim();
        let (digits, unit) = BYTE_UNITS
            .iter()
            .find_map(|(name, unit)| text.strip_suffix(name).map(|d| (d, *unit)))
            .unwrap_or((text, 1));
        let number: f64 = digits.trim().parse().map_err(|_| wrong())?;
        let bytes = number * unit as f64;
        if bytes.is_finite() && (0.0..1e18).contains(&bytes) {
            Ok(Bytes(bytes as u64))
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = BYTE_UNITS
            .iter()
            .find(|(_, unit)| self.0 >= *unit && self.0.is_multiple_of(*unit));
        match exact {
            Some((name, unit)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Serde for values that are written as one string.
macro_rules! as_string {
    ($type:ty, $expected:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = match d.deserialize_any(NumberOrWordVisitor($expected))? {
                    NumberOrWord::Number(n) => n.to_string(),
                    NumberOrWord::Word(s) => s,
                };
                text.parse().map_err(de::Error::custom)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
    };
}

as_string!(Device, "auto, cpu, cuda, cuda:N or metal");
as_string!(Bytes, "a size, e.g. \"8GiB\"");
