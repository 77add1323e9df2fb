#!/usr/bin/env bash
# Times a build with `--features cuda` on a GPU machine without a network: images per second of whole epochs behind the
# first, as the program says them, and the lesson's whole job by the clock.
#
#   benches/gpu/measure.sh RUNNER CIFAR10 [JOB…]
#
# `peer.py` times the same jobs in PyTorch.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/libraries.sh"
runner=$(realpath "$1") cifar10=$(realpath "$2")
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 "$here/specs.py" "$work" "$cifar10"
cd "$work"
for job in "${@:-vgg32-tf32-32}"; do
  start=$(date +%s.%N)
  if NO_COLOR=1 "$runner" "$job.toml" >"$job.log" 2>&1; then
    seconds=$(echo "$(date +%s.%N) - $start" | bc 2>/dev/null || python3 -c "print($(date +%s.%N) - $start)")
    rates=$(grep -oE '[0-9]+ images/s' "$job.log" | grep -oE '[0-9]+' | tail -n +2 | sort -n | tr '\n' ' ')
    printf '%-32s %6.1f s   images/s %s\n' "$job" "$seconds" "$(echo "$rates" | cut -d' ' -f1-6)"
  else
    printf '%-32s failed:\n' "$job"
    tail -5 "$job.log"
  fi
done
