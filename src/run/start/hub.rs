//! Whether weights that are to be downloaded fit a spec, as far as their repository's name says.

use super::Origin;
use crate::fetch::{self, Cache, Hub};
use crate::spec::{Arch, NormalizationScheme, Problem, Repository, Spec, Weights, nearest, slip};
use crate::zoo::{IMAGENET_CLASSES, Published, TimmWeights, architecture_of};

const KEY: &str = "backbone.weights";

/// What is to be said of them.
///
/// # Errors
/// Weights that nobody publishes, of another architecture, or without the classifier that is asked for.
pub(super) fn check(spec: &Spec) -> Result<Option<String>, Problem> {
    let arch = spec.backbone.arch;
    if let Weights::Hub(repository) = &spec.backbone.weights {
        check_architecture(arch, repository)?;
    }
    let origin = Origin::of(spec).map_err(|error| {
        let problem = Problem::new(KEY, error.to_string());
        match &spec.backbone.weights {
            Weights::Hub(repository) => problem.help(format!(
                "{}; to take another repository, download its model.safetensors and name the file",
                repositories(arch, repository)
            )),
            Weights::Keras if fetch::published(arch).is_ok() => {
                problem.help("set weights = \"imagenet\", or name a file")
            }
            _ => problem.help(fetch::how_to_convert(arch)),
        }
    })?;
    let Some(published) = origin.map(|origin| origin.published()) else {
        return Ok(None);
    };
    let weights = TimmWeights::of(published.repository);
    let classes = weights.map_or(IMAGENET_CLASSES, |weights| weights.classes);
    if spec.backbone.include_top && classes != IMAGENET_CLASSES {
        let has = match classes {
            0 => "have no classifier".to_owned(),
            n => format!("have a classifier of {n} classes"),
        };
        let message = format!(
            "{} {has}, and backbone.include_top asks for ImageNet's {IMAGENET_CLASSES}",
            published.repository
        );
        let help =
            "remove include_top and describe a head in [[head]], or take weights that end in _in1k";
        return Err(Problem::new("backbone.include_top", message).help(help));
    }
    Ok(other_normalization(spec, &published))
}

/// Whose weights a spec downloads, at which revision, and for which images; none where it downloads none.
pub fn describe(spec: &Spec) -> Option<String> {
    let origin = Origin::of(spec).ok()??;
    let Published {
        repository,
        whose,
        scheme,
        ..
    } = origin.published();
    let from = match (name(&spec.backbone.weights), whose == repository) {
        (name, _) if name.starts_with(repository) => format!("{name} ("),
        (name, true) => format!("{name} ({repository} "),
        (name, false) => format!("{name} ({whose}, from {repository} "),
    };
    let at = revision(&origin);
    Some(format!(
        "{from}at {at}; trained with normalization.scheme = \"{scheme}\")"
    ))
}

/// The weights' name in a spec.
fn name(weights: &Weights) -> String {
    match weights {
        Weights::Hub(repository) => repository.to_string(),
        Weights::Keras => "keras".into(),
        _ => "imagenet".into(),
    }
}

/// What is asked for, and which commit that was where the cache has it.
fn revision(origin: &Origin<'_>) -> String {
    let asked = origin.revision();
    let cache = Cache::from_env().ok();
    let found = cache.and_then(|cache| origin.cached((&cache, &Hub::from_env())));
    match found.as_deref().map(fetch::commit) {
        Some(Some(commit)) if commit == asked => format!("commit {commit}"),
        Some(Some(commit)) => format!("{asked}: commit {commit}, in the cache"),
        Some(None) => format!("{asked}, in the cache"),
        None if origin.is_fixed() => asked,
        None => format!("{asked}, as it is when they are downloaded"),
    }
}

fn check_architecture(arch: Arch, repository: &Repository) -> Result<(), Problem> {
    let found = architecture_of(&repository.name);
    if found == arch.name {
        return Ok(());
    }
    if let Some(meant) = arch_meant(found) {
        let message = format!(
            "{} is no repository of timm's that is known here",
            repository.name
        );
        let renamed = Repository {
            name: repository.name.replacen(found, meant.name, 1),
            revision: None,
        };
        return Err(Problem::new(KEY, message).help(repositories(meant, &renamed)));
    }
    let message = format!(
        "{} are weights of {found}, and `backbone.arch` is {arch}",
        repository.name
    );
    Err(Problem::new(KEY, message).help(match Arch::named(found) {
        Some(other) => format!(
            "set backbone.arch = \"{other}\"; {}",
            repositories(arch, repository)
        ),
        None => repositories(arch, repository),
    }))
}

/// The architecture whose name is mistyped in `name`, which is none; one of another size is another.
fn arch_meant(name: &str) -> Option<Arch> {
    if Arch::named(name).is_some() {
        return None;
    }
    let digits = |name: &str| {
        name.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    let all = Arch::all().map(Arch::as_str);
    let same_size = all.filter(|other| digits(other) == digits(name));
    slip(name, same_size).and_then(Arch::named)
}

/// What could be meant, of an architecture.
fn repositories(arch: Arch, repository: &Repository) -> String {
    let all: Vec<&str> = TimmWeights::all()
        .filter(|weights| weights.architecture() == arch.name)
        .map(|weights| weights.published.repository)
        .collect();
    if all.is_empty() {
        return format!("timm publishes no weights of {arch} that are known here");
    }
    let near = nearest(&repository.name, all.iter().copied());
    let meant = near.map_or(String::new(), |near| format!("did you mean \"{near}\"? "));
    format!("{meant}weights of {arch}: {}", all.join(", "))
}

/// What to say where images are normalized otherwise than those that the weights were trained on.
fn other_normalization(spec: &Spec, published: &Published) -> Option<String> {
    let found = spec.normalization.scheme;
    let is_theirs = [published.scheme, NormalizationScheme::Pretrained].contains(&found);
    (!is_theirs).then(|| {
        let keras = match found {
            NormalizationScheme::Caffe => " (as Keras's own weights of VGG were)",
            _ => "",
        };
        let weights = name(&spec.backbone.weights);
        format!(
            "backbone.weights = \"{weights}\" are {}, trained with normalization.scheme = \"{}\"; this spec has \
             \"{found}\"{keras}",
            published.whose, published.scheme
        )
    })
}
