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

# In a continuous-integration run the lock file is what was committed, or the run fails.
locked=()
[[ -z ${CI:-} ]] || locked=(--locked)

engine_answers() { command -v docker >/dev/null && timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
