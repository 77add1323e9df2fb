//! Tests that need a process of their own.

use std::any::type_name;
use std::process::Command;
use std::thread;

/// Set in a process that does one test.
const ALONE: &str = "TEST_ALONE";

/// Does `test` in a process of its own, which is this program again with that test only; false in that process, where
/// the test is to be done. A test begins with it, and ends where it is true.
pub fn done_alone<F: Fn()>(test: F) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return false;
    }
    let _ = test;
    // `it::module::test`.
    let name = type_name::<F>();
    let name = name.split_once("::").map_or(name, |(_, name)| name);
    // Named after its test, where there are several threads.
    let thread = thread::current();
    assert!(thread.name().is_none_or(|n| n == name || n == "main"));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture"]);
    let output = command.env(ALONE, "1").output().unwrap();
    let said = super::said(&output);
    let is_ok = output.status.success() && said.contains("test result: ok. 1 passed");
    assert!(is_ok, "{name}, alone:\n{said}");
    true
}
