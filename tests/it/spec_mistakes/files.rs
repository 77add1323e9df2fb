//! Files that are no specs, and files that extend one another.

use std::path::Path;

use runner::spec::Experiment;

use super::{DIGITS, checked, message, written};
use crate::common;

#[test]
fn a_file_that_is_not_there_or_no_text_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    assert!(message(&missing, &[], &[]).contains("missing.toml"));
    let path = folder.path().join("b.toml");
    std::fs::write(&path, b"name = \"\xff\"").unwrap();
    assert!(message(&path, &[], &[]).contains("not text in UTF-8 (byte 8)"));
    assert!(message(folder.path(), &[], &[]).contains("is a folder, expected a file"));
    let large = folder.path().join("large.toml");
    std::fs::File::create(&large)
        .unwrap()
        .set_len(9 << 20)
        .unwrap();
    assert!(message(&large, &[], &[]).contains("larger than"));
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_read_as_specs_and_weights() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let link = folder.path().join("link.toml");
    std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
    for path in [
        &pipe,
        &link,
        Path::new("/dev/null"),
        Path::new("/dev/stdin"),
    ] {
        let mut command = common::runner(folder.path());
        let output = command.arg("check").arg(path).write_stdin(DIGITS).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", path.display());
        let said = common::said(&output);
        assert!(said.contains("expected a regular file"), "{said}");
        let extends = format!("extends = \"{}\"\n{DIGITS}", path.display());
        let spec = written(folder.path(), &extends);
        assert!(
            checked(&spec, &[], &[])
                .0
                .contains("expected a regular file")
        );
        let spec = written(folder.path(), DIGITS);
        for key in ["backbone.weights", "training.initial_weights"] {
            let set = format!("{key}={}", path.display());
            let (said, code) = checked(&spec, &[&set], &[]);
            assert!(code == 2 && said.contains("not a regular file"), "{said}");
        }
    }
}

#[test]
fn files_that_extend_one_another_are_read_once() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..18 {
        let next = n + 1;
        let text = format!("extends = [\"g{next}.toml\", \"./g{next}.toml\"]\n");
        std::fs::write(folder.path().join(format!("g{n}.toml")), text).unwrap();
    }
    std::fs::write(folder.path().join("g18.toml"), "seed = 1\n").unwrap();
    let path = written(folder.path(), &format!("extends = \"g0.toml\"\n{DIGITS}"));
    assert_eq!(checked(&path, &[], &[]).1, 0);
}

#[test]
fn of_a_file_extended_twice_the_last_place_counts() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("base.toml", "seed = 1\n[training]\nepochs = 2\n");
    file(
        "a.toml",
        "extends = \"base.toml\"\nseed = 3\n[training]\nbatch_size = 4\n",
    );
    file("b.toml", "extends = \"base.toml\"\n");
    file(
        "top.toml",
        &format!("extends = [\"a.toml\", \"b.toml\"]\n{DIGITS}"),
    );
    let experiment = Experiment::load_with(&folder.path().join("top.toml"), &[], [], folder.path());
    let spec = experiment.unwrap_or_else(|e| panic!("{e}")).spec;
    assert_eq!(
        (spec.seed, spec.training.epochs, spec.training.batch_size),
        (1, 2, 4)
    );
}

#[cfg(unix)]
#[test]
fn circles_are_named_also_through_links_and_depth_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(".", folder.path().join("here")).unwrap();
    std::fs::write(folder.path().join("b.toml"), "extends = \"here/a.toml\"").unwrap();
    let path = written(folder.path(), "extends = \"here/b.toml\"");
    let (said, code) = checked(&path, &[], &[]);
    assert_eq!(code, 2);
    assert!(said.contains("a.toml → b.toml → a.toml"), "{said}");
    for n in 0..40 {
        let text = format!("extends = \"d{}.toml\"\n", n + 1);
        std::fs::write(folder.path().join(format!("d{n}.toml")), text).unwrap();
    }
    let (said, code) = checked(&folder.path().join("d0.toml"), &[], &[]);
    assert!(code == 2 && said.contains("more than 32 deep"), "{said}");
    // Every name of the same file through the link is another path.
    for n in 0..25 {
        let next = n + 1;
        let text = format!("extends = [\"here/e{next}.toml\", \"e{next}.toml\"]\n");
        std::fs::write(folder.path().join(format!("e{n}.toml")), text).unwrap();
    }
    std::fs::write(folder.path().join("e25.toml"), "seed = 1\n").unwrap();
    let (said, code) = checked(&folder.path().join("e0.toml"), &[], &[]);
    assert!(code == 2 && said.contains("more than 256 files"), "{said}");
}
