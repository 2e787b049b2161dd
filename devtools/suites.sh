# Sourced by ./dev: tests, fuzzing, benchmarks, and all of it in a row.

command_test() {
  local preset=release
  case ${1:-} in
    release | dev | tsan)
      preset=$1
      shift
      ;;
  esac
  case ${1:-} in
    conformance | integration) run_suite "$preset" "$@" ;;
    scenarios) run_scenarios "$preset" "${@:2}" ;;
    cores) run_cores "$preset" "${@:2}" ;;
    *) run_ctest "$preset" "$@" ;;
  esac
}

# The big suites are programs tests/SUITE/run that take the build directory and print their own table.
run_suite() {
  local preset=$1 suite=$2
  shift 2
  [[ -x tests/$suite/run ]] || die "tests/$suite/run is not there"
  [[ $suite == integration ]] && need test integration
  build_with_tests "$preset" all
  "tests/$suite/run" "build/$preset" "$@"
}

# run_scenarios PRESET [SECONDS] [BROKER ARGUMENT...]: nothing missing, doubled or out of order; no timings.
run_scenarios() {
  local preset=$1 seconds=${2:-10}
  [[ $seconds =~ ^[0-9]+(\.[0-9]+)?$ ]] || bad_usage "scenarios needs SECONDS, such as: ./dev test scenarios 10"
  need test integration
  build_with_tests "$preset" martlet
  SCENARIO_SECONDS=$seconds SCENARIO_BROKER_ARGUMENTS="${*:3}" \
    tests/integration/run "build/$preset" test_scenarios
}

# run_cores PRESET [SECONDS]: the tests of a broker with several threads; SECONDS for each of its storms.
run_cores() {
  local preset=$1 seconds=${2:-4}
  [[ $seconds =~ ^[0-9]+(\.[0-9]+)?$ ]] || bad_usage "cores needs SECONDS, such as: ./dev test tsan cores 60"
  need test integration
  build_with_tests "$preset" martlet
  CORES_S=$seconds as_built "$preset" tests/integration/run "build/$preset" test_cores
}

# as_built PRESET COMMAND...: runs what was built with it.
as_built() {
  local preset=$1 under=()
  shift
  # ThreadSanitizer of g++ 12 does not know the newer kernels' randomised address layout.
  [[ $preset == tsan ]] && under=(setarch --addr-no-randomize)
  "${under[@]}" "$@"
}

run_ctest() {
  local preset=$1 targets=() only=() name known
  shift
  need test
  configure "$preset" -DMARTLET_TESTS=ON
  mapfile -t known < <(ctest --test-dir "build/$preset" -N | sed -n 's/^ *Test *#[0-9]*: //p')
  for name in "$@"; do
    is_one_of "$name" "${known[@]}" ||
      bad_usage "no test '$name'; nearest: $(nearest "$name" "${known[@]}" conformance integration scenarios cores)"
    has_target "$preset" "${name}_test" && targets+=("${name}_test")
  done
  # All tests, or a name without a program of its own, may need any of them.
  (($# > 0 && ${#targets[@]} == $#)) || targets=(all)
  run_ninja "$preset" "${targets[@]}"
  (($# > 0)) && only=(-R "^($(IFS='|' && echo "$*"))$")
  as_built "$preset" ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --timeout 300 \
    -j "$(nproc)" "${only[@]}"
}

command_fuzz() {
  local seconds=${1:-}
  [[ $seconds =~ ^[1-9][0-9]*$ ]] || bad_usage "fuzz needs the number of SECONDS for each target, such as: ./dev fuzz 60"
  shift
  local known=() names=() name
  for name in fuzz/*_fuzz.cc; do
    [[ -e $name ]] || die "no fuzz/*_fuzz.cc is there"
    name=${name#fuzz/}
    known+=("${name%_fuzz.cc}")
  done
  for name in "$@"; do
    name=${name%_fuzz}
    is_one_of "$name" "${known[@]}" || bad_usage "no fuzz target '$name'; nearest: $(nearest "$name" "${known[@]}")"
    names+=("$name")
  done
  ((${#names[@]} > 0)) || names=("${known[@]}")
  build_targets fuzz "${names[@]/%/_fuzz}"
  say "fuzzing for $seconds s each, $(nproc) at a time: ${names[*]}"
  printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I{} devtools/fuzz_one.sh {} "$seconds" || die "fuzzing found a failure"
}

# sim SEED | --seeds N, with --steps M and --verbose: whole brokers and clients on simulated machines. Many seeds run on
# all processors; the first failure is shown, with the seed that ended the program if it did not end by itself.
command_sim() {
  local seed='' seeds='' extra=() from=1
  while (($# > 0)); do
    case $1 in
      --seeds | --from) [[ ${2:-} =~ ^[0-9]+$ ]] || bad_usage "$1 needs a number" ;;&
      --seeds) seeds=$2 ;;&
      --from) from=$2 ;;&
      --seeds | --from) shift ;;
      --steps | --plant)
        [[ ${2:-} ]] || bad_usage "$1 needs a value"
        extra+=("$1" "$2")
        shift
        ;;
      --verbose) extra+=("$1") ;;
      *)
        [[ $1 =~ ^[0-9]+$ && ! $seed ]] || bad_usage "sim takes a SEED or --seeds N, not '$1'"
        seed=$1
        ;;
    esac
    shift
  done
  [[ $seed || $seeds ]] || bad_usage "sim needs a SEED or --seeds N, such as: ./dev sim --seeds 1000"
  build_with_tests release martlet_sim
  if [[ $seed ]]; then
    build/release/martlet_sim --seed "$seed" "${extra[@]}"
  else
    sim_many "$from" "$seeds" "${extra[@]}"
  fi
}

# sim_many FROM COUNT [OPTION...]: one process a processor, each with every so manieth seed.
sim_many() {
  local from=$1 count=$2 jobs job logs pids=() failed=()
  shift 2
  jobs=$(nproc)
  logs=$(mktemp -d)
  say "simulating $count seeds from $from on, $jobs at a time"
  for ((job = 0; job < jobs && job < count; job++)); do
    build/release/martlet_sim --announce --seed $((from + job)) --seeds $((count - job)) --stride "$jobs" "$@" \
      >"$logs/$job" 2>&1 &
    pids+=($!)
  done
  for ((job = 0; job < ${#pids[@]}; job++)); do
    wait "${pids[job]}" || failed+=("$job")
  done
  for ((job = 0; job < ${#pids[@]}; job++)); do
    tail -n 1 "$logs/$job" | grep '^ok' || true
  done
  for job in "${failed[@]}"; do
    grep -v '^seed [0-9]*$' "$logs/$job" || true
    say "the last seed was $(grep '^seed [0-9]*$' "$logs/$job" | tail -n 1 | cut -d' ' -f2): ./dev sim SEED runs it again"
  done
  rm -r "$logs"
  ((${#failed[@]} == 0)) || die "the simulator found a failure"
}

command_bench() {
  if [[ ${1:-} == compare ]]; then
    shift
    command_compare "$@"
    return
  fi
  build_targets bench all
  local program found=
  for program in build/bench/bench/*_bench; do
    [[ -x $program ]] || continue
    found=yes
    say "$(basename "$program")"
    "$program" "$@"
  done
  [[ $found ]] || die "no bench/*_bench.cc is there"
}

command_ci() {
  (($# == 0)) || bad_usage "ci takes no arguments"
  summary=()  # not local: the trap reads it after this function is gone
  trap ci_summary EXIT
  step "set up" command_setup
  step "check" command_check --all
  step "build" command_build release
  step "test" command_test release
  step "test with AddressSanitizer and UndefinedBehaviorSanitizer" command_test dev
  step "test with ThreadSanitizer" command_test tsan
  step "simulate 1,000 seeds" command_sim --seeds 1000
  step "fuzz, 10 s each" command_fuzz 10
  [[ ! -x tests/integration/run ]] || step "integration" command_test integration
  step "several threads with ThreadSanitizer, storms of 60 s" command_test tsan cores 60
  step "scenario sets, 10 s each" command_test scenarios 10
}

# step HEADING COMMAND...: ends ci at the first step that fails.
step() {
  local heading=$1 start=$SECONDS
  shift
  printf '\n== %s\n' "$heading"
  summary+=("FAILED  $heading")
  ("$@")
  summary[-1]="$(printf 'ok %4d s  %s' $((SECONDS - start)) "$heading")"
  printf '== %s: %d s\n' "$heading" $((SECONDS - start))
}

ci_summary() {
  printf '\n== summary (%d s)\n' "$SECONDS"
  printf '%s\n' "${summary[@]}"
}
