# Sourced by ./dev: installs what a command needs and this machine lacks.

# need PART...: installs the missing packages of these parts of packages.txt and of `build`; silent if none is missing.
need() {
  local missing
  mapfile -t missing < <(missing_packages build "$@")
  ((${#missing[@]} == 0)) && return
  command -v apt-get >/dev/null || die "missing: ${missing[*]} (installed by itself on Debian 12 only)"
  say "installing Debian packages: ${missing[*]}"
  install_packages "${missing[@]}"
}

missing_packages() {
  local part package stand_in reason
  while read -r part package stand_in reason; do
    [[ " $* " == *" $part "* ]] || continue
    [[ $stand_in != - ]] && command -v "$stand_in" >/dev/null && continue
    [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == "install ok installed" ]] || echo "$package"
  done < <(grep -v '^#' "$root/devtools/packages.txt") | sort -u
}

install_packages() {
  local as_root=() log status=0 policy=/usr/sbin/policy-rc.d made_policy=
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "installing packages needs root or sudo"
    as_root=(sudo)
  fi
  log=$(mktemp)
  # No service starts because its package is installed: this machine's port 1883 stays free.
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod +x "$policy"
    made_policy=yes
  fi
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300
    -o Acquire::Retries=3)
  { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null || status=$?
  [[ $made_policy ]] && "${as_root[@]}" rm -f "$policy"
  if [[ " $* " == *" mosquitto "* && -d /run/systemd/system ]]; then
    "${as_root[@]}" systemctl disable --quiet mosquitto >>"$log" 2>&1 || true
  fi
  if ((status != 0)); then
    tail -n 30 "$log" >&2
    die "apt-get failed; its whole output is in $log"
  fi
  rm -f "$log"
}
