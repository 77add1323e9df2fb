//! Names of pictures.

use std::collections::HashSet;
use std::path::Path;

/// Characters of an image's name and of a class's name at most.
const LONGEST: usize = 60;

/// Those that are taken, in lower case, since some file systems tell no others apart.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// A name that is not taken, from the image's, the class and its probability: `holiday-cat-97.3.png`.
    pub fn next(&mut self, image: &Path, class: &str, probability: f32) -> String {
        let stem = image.file_stem().unwrap_or_default().to_string_lossy();
        let name = format!("{}-{}-{:.1}", tame(&stem), tame(class), probability * 100.0);
        let numbered = (2..).map(|n| format!("{name}-{n}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let free = names.find(|name| self.0.insert(name.to_lowercase()));
        format!("{}.png", free.unwrap_or(name))
    }
}

/// What every file system and shell takes.
fn tame(text: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || "._+".contains(c);
    let tamed = text.chars().take(LONGEST);
    let tamed: String = tamed.map(|c| if allowed(c) { c } else { '_' }).collect();
    match tamed.trim_start_matches('.') {
        "" => "_".into(),
        name => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_harmless_and_none_is_there_twice() {
        let mut names = Names::default();
        let mut next = |image: &str, class: &str| names.next(Path::new(image), class, 0.9731);
        assert_eq!(next("a/holiday.jpg", "cat"), "holiday-cat-97.3.png");
        assert_eq!(next("b/Holiday.png", "cat"), "Holiday-cat-97.3-2.png");
        assert_eq!(
            next("../..", "../\u{1b}[1m/a b"),
            "_-__[1m_a_b-97.3.png".replace('[', "_")
        );
    }
}
