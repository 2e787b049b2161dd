# Sourced by ./dev: what measures a whole broker from outside (devtools/measure/).

measure() {
  local module=$1
  shift
  PYTHONPATH=devtools /usr/bin/python3 -B -m "measure.$module" "$@"
}

# asks_only WORD...: help, or the rendering of old results: neither needs a build.
asks_only() {
  local word
  for word in "$@"; do
    case $word in -h | --help | --render | --render=*) return 0 ;; esac
  done
  return 1
}

command_compare() {
  [[ -x /usr/bin/python3 ]] || need bench
  if ! asks_only "$@"; then
    need bench
    build_targets release martlet
    build_targets bench floor
  fi
  measure compare "$@"
}

command_profile() {
  (($# > 0)) || bad_usage "profile needs a SCENARIO, such as: ./dev profile p2p-q0 (./dev profile --help lists them)"
  [[ -x /usr/bin/python3 ]] || need bench
  if ! asks_only "$@"; then
    need profile
    build_targets release martlet
    [[ " $* " != *" --floor "* ]] || build_targets bench floor
  fi
  measure profile "$@"
}
