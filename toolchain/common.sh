# Shared by the scripts of this folder; sourced, never run.
# shellcheck shell=bash disable=SC2034

toolchain_src=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$toolchain_src")
toolchain_dir=${MUSTER_SBF_TOOLCHAIN:-${XDG_CACHE_HOME:-$HOME/.cache}/muster/sbf-toolchain}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/muster/target}

say() { printf '%s: %s\n' "${0##*/toolchain/}" "$*" >&2; }
die() { say "$*"; exit 2; }

LLVM=23
SBPF_LINKER=0.2.6
# counted up when what install does to std's sources changes
STD_PATCH=1

# Everything that the installed toolchain follows from: it is put together anew when one of them changes.
toolchain_fingerprint() {
  {
    echo "$LLVM $SBPF_LINKER $STD_PATCH"
    cat "$toolchain_src/i128.ll"
    dpkg-query -W -f '${Package} ${Version}\n' rustc-web cargo-web rust-web-src 2>/dev/null
  } | sha256sum | cut -c 1-16
}

toolchain_ready() { [[ -f $toolchain_dir/.ready && $(<"$toolchain_dir/.ready") == "$(toolchain_fingerprint)" ]]; }

# Solana's own platform-tools: taken where somebody installed them, never downloaded.
have_platform_tools() {
  command -v cargo-build-sbf >/dev/null && compgen -G "$HOME/.cache/solana/*/platform-tools/rust/bin/rustc" >/dev/null
}
