//! Names of nodes and tensors, which are paths of modules.

/// `a`, `a.b`, `a.b.c` of `a.b.c`.
pub(super) fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    let ends = name
        .match_indices('.')
        .map(|(at, _)| at)
        .chain([name.len()]);
    ends.filter_map(|end| name.get(..end))
}

/// The name of a node's tensor.
pub(super) fn tensor_name(node: &str, suffix: &str) -> String {
    match suffix.strip_prefix('/') {
        Some(whole) => whole.to_owned(),
        None => format!("{node}.{suffix}"),
    }
}

/// Whether a node's name is the path or begins with its names.
pub(super) fn lies_in(name: &str, path: &str) -> bool {
    name.strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
