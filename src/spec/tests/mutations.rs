//! Whatever a spec file holds, loading it ends in an experiment or in an error, never in a panic.

use super::super::Experiment;
use super::{Folder, SMALL};
use crate::rng::{Purpose, Stream};

const CASES: u64 = 2000;

const MORE: &str = r#"
[optimizer]
name = "sgd"
schedule = { kind = "cosine", warmup_epochs = 1 }
[training]
epochs = 3
metrics = ["accuracy"]
early_stopping = { monitor = "val_loss", patience = 5 }
[sweep]
strategy = "grid"
[sweep.axes]
"freeze.through" = ["none", "all", 15]
"head.1.rate" = [0.1, 0.5]
"#;

/// Pieces that mean something in TOML or in a spec.
const PIECES: [&str; 16] = [
    "[",
    "]",
    "[[head]]\n",
    "{",
    "}",
    "\"",
    "'",
    "=",
    ".",
    "\n",
    "\u{0}",
    "ö\u{1F600}",
    "-1",
    "1e999",
    "sweep.axes",
    "99999999999999999999",
];

fn mutated(text: &str, stream: &mut Stream) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=stream.below(3) {
        let at = stream.below(bytes.len() as u32) as usize;
        let end = (at + stream.below(12) as usize).min(bytes.len());
        match stream.below(4) {
            0 => bytes[at] = stream.bits() as u8,
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = PIECES[stream.below(PIECES.len() as u32) as usize];
                drop(bytes.splice(at..at, piece.bytes()));
            }
            _ => {
                let copy = bytes[at..end].to_vec();
                let to = stream.below(bytes.len() as u32) as usize;
                drop(bytes.splice(to..to, copy));
            }
        }
    }
    bytes
}

#[test]
fn no_file_makes_loading_panic() {
    let folder = Folder::new("");
    let path = folder.path().join("a.toml");
    let good = format!("{SMALL}{MORE}");
    let mut stream = Stream::new(1, Purpose::Shuffle, 0, 0);
    let (mut taken, mut refused) = (0, 0);
    for case in 0..CASES {
        let bytes = mutated(&good, &mut stream);
        std::fs::write(&path, &bytes).unwrap();
        let load = || match Experiment::load_with(&path, &[], [], folder.path()) {
            Ok(experiment) => !experiment.to_toml().is_empty(),
            Err(error) => error.render(true).is_empty(),
        };
        match std::panic::catch_unwind(load) {
            Ok(true) => taken += 1,
            Ok(false) => refused += 1,
            Err(_) => panic!("case {case}:\n{}", String::from_utf8_lossy(&bytes)),
        }
    }
    assert!(
        taken > CASES / 100 && refused > CASES / 2,
        "{taken} {refused}"
    );
}

/// Gives `load` changed forms of a good text; it must take some and refuse others.
fn none_panics(good: &str, load: impl Fn(&str) -> bool + std::panic::RefUnwindSafe) {
    assert!(load(good));
    let mut stream = Stream::new(2, Purpose::Shuffle, 0, 0);
    let mut taken = 0;
    for case in 0..CASES {
        let text = String::from_utf8_lossy(&mutated(good, &mut stream)).into_owned();
        match std::panic::catch_unwind(|| load(&text)) {
            Ok(is_taken) => taken += u64::from(is_taken),
            Err(_) => panic!("case {case}: {text}"),
        }
    }
    assert!((CASES / 100..CASES / 2).contains(&taken), "{taken}");
}

#[test]
fn no_flag_makes_loading_panic() {
    let folder = Folder::new(MORE);
    let good = "sweep.axes.\"head.1.rate\"=[0.125, 0.25]";
    none_panics(good, |flag| folder.load(&[flag], &[]).is_ok());
}

#[test]
fn no_variable_makes_loading_panic() {
    let folder = Folder::new(MORE);
    let good = "{ kind = \"cosine\", warmup_epochs = 1 }";
    let name = "RUNNER_OPTIMIZER__SCHEDULE";
    none_panics(good, |value| folder.load(&[], &[(name, value)]).is_ok());
}

#[test]
fn keys_nested_without_end_are_refused() {
    let key = vec!["a"; 50_000].join(".");
    let folder = Folder::new("");
    let text = folder.wrong(&[&format!("{key}=1")]);
    assert!(text.contains("nested too deeply"), "{}", &text[..200]);
    let more = [
        format!("{key} = 1"),
        format!("[{key}]"),
        format!("x = {}1{}", "[".repeat(50_000), "]".repeat(50_000)),
    ];
    for more in more {
        let text = Folder::new(&more).wrong(&[]);
        assert!(text.len() < 1000, "{}", text.len());
    }
}
