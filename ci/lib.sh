# Shared by the scripts of ci/: where things are kept, how a step reports itself, how a failed one ends.
# Source it from a bash script that runs with `set -euo pipefail`.

FTFUZZ_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
FTFUZZ_CACHE=${FTFUZZ_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/ftfuzz}
FTFUZZ_LLVM=${FTFUZZ_LLVM:-19}
CC=${CC:-clang-$FTFUZZ_LLVM}
CXX=${CXX:-clang++-$FTFUZZ_LLVM}

# say TEXT...: one line for the person who waits.
say() { printf 'ftfuzz: %s\n' "$*" >&2; }

# die TEXT...: one line that says what to do, exit 2 (usage or set-up, as everywhere in ftfuzz).
die() { printf 'ftfuzz: error: %s\n' "$*" >&2; exit 2; }

# logged LOG WHAT CMD...: runs CMD with its output in LOG; when it fails, shows the end of LOG and names it.
logged() {
  local log=$1 what=$2
  shift 2
  mkdir -p "$(dirname "$log")"
  if ! "$@" >>"$log" 2>&1; then
    { echo "--- the last lines of $log"; tail -n 15 "$log"; echo "---"; } >&2
    die "$what failed; the whole log is $log"
  fi
}

# Flags that make code observable. One place, because the interpreter, the canaries and third-party
# extensions must agree: a load that is a point in one and not in the other is a schedule that does not replay.
FTFUZZ_COVERAGE="-fsanitize-coverage=inline-8bit-counters,pc-table,trace-loads,trace-stores"
FTFUZZ_DEBUG="-g1 -fno-omit-frame-pointer -fno-optimize-sibling-calls"

# The sanitizers of the asan flavour: address, undefined, or both. OSS-Fuzz wants one at a time (ci/oss-fuzz/build.sh).
FTFUZZ_ASAN=${FTFUZZ_ASAN:-address,undefined}
case $FTFUZZ_ASAN in address | undefined | address,undefined) ;; *) die "FTFUZZ_ASAN is address, undefined or address,undefined" ;; esac

# has_address: whether the asan flavour has AddressSanitizer in it.
has_address() { [ "$FTFUZZ_ASAN" != undefined ]; }

# sanitizer_flags FLAVOUR: prints the -fsanitize flags of a flavour, for compiling and for linking.
# UBSan is kept to the checks that mean a bug in an extension: `function` floods on CPython, `alignment`,
# `null` and `object-size` repeat what a crash says, `pointer-overflow` fires on NULL + 0.
sanitizer_flags() {
  case $1 in
    plain) ;;
    tsan) echo "-fsanitize=thread" ;;
    asan)
      local flags=-fsanitize=${FTFUZZ_ASAN/,/ -fsanitize=}
      [ "$FTFUZZ_ASAN" = address ] || flags="$flags -fno-sanitize=function,alignment,null,object-size,pointer-overflow,vptr"
      echo "$flags"
      ;;
    *) die "unknown flavour '$1'; use plain, tsan or asan" ;;
  esac
}

# compile_flags FLAVOUR: all that code under test is compiled with.
compile_flags() {
  case $1 in
    plain) echo "-g1" ;;
    *) echo "$(sanitizer_flags "$1") $FTFUZZ_COVERAGE $FTFUZZ_DEBUG" ;;
  esac
}

# fingerprint TEXT...: a short stable name for a set of inputs, for cache keys.
fingerprint() { printf '%s\n' "$@" | sha256sum | cut -c1-12; }
