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

run_ctest() {
  local preset=$1 targets=() only=() name known under=()
  shift
  need test
  configure "$preset" -DMARTLET_TESTS=ON
  mapfile -t known < <(ctest --test-dir "build/$preset" -N | sed -n 's/^ *Test *#[0-9]*: //p')
  for name in "$@"; do
    is_one_of "$name" "${known[@]}" ||
      bad_usage "no test '$name'; nearest: $(nearest "$name" "${known[@]}" conformance integration)"
    has_target "$preset" "${name}_test" && targets+=("${name}_test")
  done
  # All tests, or a name without a program of its own, may need any of them.
  (($# > 0 && ${#targets[@]} == $#)) || targets=(all)
  run_ninja "$preset" "${targets[@]}"
  (($# > 0)) && only=(-R "^($(IFS='|' && echo "$*"))$")
  # ThreadSanitizer of g++ 12 does not know the newer kernels' randomised address layout.
  [[ $preset == tsan ]] && under=(setarch --addr-no-randomize)
  "${under[@]}" ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --timeout 300 -j "$(nproc)" \
    "${only[@]}"
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

command_bench() {
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
  step "fuzz, 10 s each" command_fuzz 10
  [[ ! -x tests/integration/run ]] || step "integration" command_test integration
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
