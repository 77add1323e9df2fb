//! The batch script of an array job.

use std::fmt::Write;

use crate::engine::error::Error;
use crate::engine::interface::NewJob;
use crate::text::shell_word;

/// Before the tasks' commands, as Slurm may tell the shell of a time limit at once. It tells the shell alone of that, and
/// everybody of all other ends.
const START: &str = r#"child= told= over=
trap 'told=yes; [ -z "$child" ] || kill -USR1 "$child"' USR1
trap 'over=yes' TERM
"#;

/// After the tasks' commands.
const END: &str = r#"
# Told of the time limit, the runner saves and gives 75; so it does when Slurm ends the job, which is not undone here.
"$@" &
child=$!
[ -z "$told" ] || kill -USR1 "$child"
while wait "$child"; status=$?; [ "$status" -gt 128 ] && kill -0 "$child" 2>/dev/null; do :; done
# Stopped with a checkpoint, or killed: again, as long as nobody wishes the job to end. A run that only dies is given up
# by the runner itself.
if [ -z "$over" ] && { [ "$status" -eq 75 ] || [ "$status" -gt 128 ]; }; then
  if [ "${SLURM_RESTART_COUNT:-0}" -lt 100 ]; then
    echo "status $status: this task is queued again" >&2
    # Not by its job id: that of an array's last task is that of the whole array. A controller that is being restarted
    # is waited for.
    for pause in 1 2 5 10 20 30 60 60 60 60; do
      [ -z "$over" ] || exit "$status"
      scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" && exit
      sleep "$pause"
    done
  fi
  echo "status $status, and not queued again: runner submit submits what is left" >&2
fi
exit "$status"
"#;

/// The script: a task's runner by its index, which is queued again where it says so by its exit status.
///
/// # Errors
/// A folder whose name is not text.
pub(super) fn script(job: &NewJob<'_>) -> Result<String, Error> {
    let folder = job.folder.to_str().ok_or_else(|| Error::NotText {
        text: job.folder.to_string_lossy().into_owned(),
    })?;
    let mut text = format!("#!/bin/sh\n# Written by runner submit.\n{START}");
    let _ = writeln!(text, "cd {} || exit 2", shell_word(folder));
    text.push_str("case \"$SLURM_ARRAY_TASK_ID\" in\n");
    for (number, command) in job.commands.iter().enumerate() {
        let _ = writeln!(text, "{number}) set -- {command} ;;");
    }
    text.push_str("*) echo \"there is no task $SLURM_ARRAY_TASK_ID\" >&2; exit 2 ;;\nesac\n");
    text.push_str(END);
    Ok(text)
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// Slurm's command, which says what it was told, and refuses as often as the file `refusals` has bytes; and a pause that
    /// takes no time, and in which Slurm ends the job where there is a file `end`.
    const SCONTROL: &str = "scontrol() { echo \"$@\"; [ ! -s refusals ] || { printf %s \"$(tail -c +2 refusals)\" >refusals; false; }; }
sleep() { [ ! -e end ] || kill -TERM $$; }\n";

    /// Does a task whose runner is this shell command, as far as the restart of this number; gives what was said, with
    /// the exit status.
    fn run(command: &str, restart: &str) -> (String, i32) {
        let tmp = tempfile::tempdir().unwrap();
        let commands = ["false".to_owned(), format!("sh -c {}", shell_word(command))];
        let job = NewJob {
            name: "e",
            folder: tmp.path(),
            logs: Path::new("."),
            commands: &commands,
            runs: &[],
            after: &[],
            options: &[],
            cpus: 1,
            gpus: 0,
            memory: 0,
        };
        let text = format!("{SCONTROL}{}", script(&job).unwrap());
        let mut shell = Command::new("sh");
        shell.args(["-c", &text]).env("SLURM_ARRAY_JOB_ID", "7");
        shell
            .env("SLURM_ARRAY_TASK_ID", "1")
            .env("SLURM_RESTART_COUNT", restart);
        let output = shell.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (
            String::from_utf8(said).unwrap(),
            output.status.code().unwrap(),
        )
    }

    #[test]
    fn stopped_or_killed_a_task_is_queued_again_but_not_for_ever() {
        for command in ["exit 75", "kill -KILL $$"] {
            let (said, status) = run(command, "0");
            assert!(said.contains("requeue 7_1") && status == 0, "{said}");
            let (said, status) = run(command, "100");
            assert!(said.contains("not queued again") && status != 0, "{said}");
        }
    }

    #[test]
    fn a_controller_that_does_not_answer_is_asked_again_and_given_up_at_last() {
        let (said, status) = run("printf 12 >refusals; exit 75", "0");
        assert_eq!(
            (said.matches("requeue 7_1").count(), status),
            (3, 0),
            "{said}"
        );
        let (said, status) = run("printf 1234567890abc >refusals; exit 75", "0");
        assert!(said.contains("not queued again") && status == 75, "{said}");
        // Who ends the job meanwhile is obeyed.
        let (said, status) = run("printf 12 >refusals; : >end; exit 75", "0");
        assert_eq!(
            (said.matches("requeue 7_1").count(), status),
            (1, 75),
            "{said}"
        );
    }

    #[test]
    fn done_failed_or_wrong_a_task_ends_with_the_runners_status() {
        for status in [0, 1, 2] {
            assert_eq!(run(&format!("exit {status}"), "0"), (String::new(), status));
        }
    }

    #[test]
    fn a_time_limit_is_passed_on_once_and_an_end_that_somebody_wishes_is_not_undone() {
        // What stands for the runner tells its shell what Slurm does.
        let runner = |signal: &str| {
            format!(
                "trap 'exit 75' USR1 TERM; kill -{signal} $PPID; sleep 5 >/dev/null 2>&1 & wait; exit 3"
            )
        };
        let (said, _) = run(&runner("USR1"), "0");
        assert!(said.contains("requeue 7_1"), "{said}");
        let ends = "trap 'exit 75' TERM; kill -TERM $PPID; exit 75";
        assert_eq!(run(ends, "0"), (String::new(), 75));
    }
}
