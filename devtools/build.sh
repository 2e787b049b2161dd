# Sourced by ./dev: configuring and building a preset.

# configure PRESET [CACHE OPTION...]: quiet unless it fails; afterwards the build files know of every source.
configure() {
  local preset=$1 dir=build/$1 log=build/$1/configure.log wanted
  shift
  wanted="$* $(cksum <CMakePresets.json)"
  local refresh=(ninja -C "$dir" build.ninja)
  if [[ ! -f $dir/build.ninja || $(cat "$dir/configured_as" 2>/dev/null) != "$wanted" ]]; then
    mkdir -p "$dir"
    refresh=(cmake --preset "$preset" "$@")
  fi
  if ! "${refresh[@]}" >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    die "configuring the preset $preset failed"
  fi
  echo "$wanted" >"$dir/configured_as"
  # clangd and editors look for this file at the root.
  case $preset in release | dev) ln -sfn "$dir/compile_commands.json" compile_commands.json ;; esac
}

# build_targets PRESET TARGET...: installs, configures and builds. Tests take part if they did before.
build_targets() {
  local preset=$1 part=() options=()
  shift
  case $preset in
    fuzz | bench) part=("$preset") ;;
    *)
      if grep -q '^MARTLET_TESTS:BOOL=ON' "build/$preset/CMakeCache.txt" 2>/dev/null; then
        part=(test)
        options=(-DMARTLET_TESTS=ON)
      else
        options=(-DMARTLET_TESTS=OFF)
      fi
      ;;
  esac
  need "${part[@]}"
  configure "$preset" "${options[@]}"
  run_ninja "$preset" "$@"
}

# build_with_tests PRESET TARGET...: the same with the tests.
build_with_tests() {
  local preset=$1
  shift
  need test
  configure "$preset" -DMARTLET_TESTS=ON
  run_ninja "$preset" "$@"
}

# ninja's own status line at a terminal; one line, and what fails, elsewhere.
run_ninja() {
  local preset=$1 quiet=()
  shift
  if [[ ! -t 2 ]]; then
    say "building $preset: $*"
    quiet=(--quiet)
  fi
  ninja -C "build/$preset" "${quiet[@]}" "$@" >&2 || die "building the preset $preset failed"
}

has_target() {
  ninja -C "build/$1" -t query "$2" >/dev/null 2>&1
}

command_build() {
  local preset=release
  if (($# > 0)); then
    is_one_of "$1" "${presets[@]}" || bad_usage "no preset '$1'; nearest: $(nearest "$1" "${presets[@]}")"
    preset=$1
    shift
  fi
  local targets=("$@")
  if (($# == 0)); then
    case $preset in
      fuzz | bench) targets=(all) ;;
      *) targets=(martlet) ;;
    esac
  fi
  build_targets "$preset" "${targets[@]}"
  [[ ${targets[*]} != martlet ]] || say "built build/$preset/martlet"
}
