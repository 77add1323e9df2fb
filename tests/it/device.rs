//! `training.device` and `training.precision`: what is taken is said, what cannot be had is refused.

use crate::common::{SMALL, runner, said, write};

/// Starts an experiment with some more keys in `[training]`; gives its exit status and what it said.
fn start(command: &[&str], training: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "small.toml", &format!("{SMALL}{training}"));
    let output = runner(folder.path()).args(command).output().unwrap();
    (output.status.code(), said(&output))
}

#[test]
#[cfg(not(any(feature = "cuda", feature = "metal")))]
fn auto_says_once_which_device_it_takes_and_why() {
    let line = "computing on cpu: this runner is built without CUDA and Metal";
    for command in [&["small.toml"][..], &["check", "small.toml"]] {
        let (status, text) = start(command, "device = \"auto\"\n");
        assert_eq!(status, Some(0), "{text}");
        assert_eq!(text.matches(line).count(), 1, "{text}");
    }
    let (_, text) = start(&["small.toml"], "device = \"cpu\"\n");
    assert!(!text.contains("computing on"), "{text}");
}

#[test]
fn a_device_that_is_not_there_is_an_error_at_its_place() {
    let (status, text) = start(&["check", "small.toml"], "device = \"cuda:99\"\n");
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("small.toml:24:10"), "{text}");
    assert!(text.contains("cuda"), "{text}");
}

#[test]
fn a_cpu_computes_in_f32_and_where_it_can_in_bf16() {
    let with = |precision| format!("device = \"cpu\"\nprecision = \"{precision}\"\n");
    let mut refused = vec![("tf32", "a CPU computes in f32 or bf16, not in tf32")];
    let mut taken = vec!["f32"];
    match runner::ops::Products::Bf16.are_there() {
        true => taken.push("bf16"),
        false => refused.push(("bf16", "this processor has no instructions for bf16")),
    }
    for precision in taken {
        let (status, text) = start(&["check", "small.toml"], &with(precision));
        assert_eq!(status, Some(0), "{text}");
    }
    for (precision, expected) in refused {
        let (status, text) = start(&["small.toml"], &with(precision));
        assert_eq!(status, Some(2), "{text}");
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("small.toml:25:13"), "{text}");
    }
}
