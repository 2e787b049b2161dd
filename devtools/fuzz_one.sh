#!/usr/bin/env bash
# fuzz_one.sh NAME SECONDS: runs one fuzz target of build/fuzz and prints one line, or what it found.
set -euo pipefail
name=$1 seconds=$2
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# New inputs go to the first folder; the committed seeds are only read.
found=build/fuzz/corpus/$name
seeds=fuzz/corpus/$name
artifacts=build/fuzz/artifacts/$name
log=build/fuzz/$name.log
mkdir -p "$found" "$artifacts"
folders=("$found")
[[ -d $seeds ]] && folders+=("$seeds")
options=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1
  -artifact_prefix="$artifacts/")
[[ -f fuzz/$name.dict ]] && options+=(-dict="fuzz/$name.dict")

# Stack traces with names need this version's llvm-symbolizer.
export PATH=/usr/lib/llvm-16/bin:$PATH
if ! "build/fuzz/fuzz/${name}_fuzz" "${options[@]}" "${folders[@]}" >"$log" 2>&1; then
  grep -v '^#' "$log" | tail -n 60
  input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  echo "fuzz: $name FAILED; whole log: $log; run it again with:"
  echo "  build/fuzz/fuzz/${name}_fuzz ${input:-"${folders[*]}"}"
  exit 1
fi
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
coverage=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 || true)
printf 'fuzz: %-20s ok  %s runs in %s s, %s\n' "$name" "$runs" "$seconds" "$coverage"
