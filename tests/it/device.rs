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
fn a_cpu_computes_in_f32_only() {
    let with = |precision| format!("device = \"cpu\"\nprecision = \"{precision}\"\n");
    let (status, text) = start(&["check", "small.toml"], &with("f32"));
    assert_eq!(status, Some(0), "{text}");
    for precision in ["tf32", "bf16"] {
        let (status, text) = start(&["small.toml"], &with(precision));
        assert_eq!(status, Some(2), "{text}");
        let expected = format!("a CPU computes in f32 only, not in {precision}");
        assert!(text.contains(&expected), "{text}");
        assert!(text.contains("small.toml:25:13"), "{text}");
    }
}
