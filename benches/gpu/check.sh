#!/usr/bin/env bash
# Checks a build with `--features cuda` on a GPU machine without a network: the tests that need a GPU, and golden runs.
#
#   benches/gpu/check.sh LIB_TEST INTEGRATION_TEST
#
# The arguments are the test programs of `cargo test --release --features cuda --no-run`. RUNNER_SHARED names the folder of
# golden runs and real images.
set -uo pipefail
source "$(dirname "$0")/libraries.sh"
failed=0
"$1" --test-threads=1 ops::cuda || failed=1
"$2" --test-threads=1 golden:: zoo:: || failed=1
exit $failed
