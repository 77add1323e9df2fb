#!/bin/sh
# As RUSTC_WRAPPER: libFuzzer's coverage for the program and the targets, not for what they depend on.
case " $* " in
*" --crate-name runner "* | *" --crate-name runner_fuzz "* | *" fuzz_targets/"*)
    exec "$@" --cfg fuzzing -Copt-level=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
esac
exec "$@"
