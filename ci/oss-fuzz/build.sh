#!/usr/bin/env bash
# Builds fuzz targets in an environment of OSS-Fuzz's base-builder and leaves them in $OUT.
#
#   ci/oss-fuzz/build.sh TARGET...       modules, requirements or checkouts, as `ftfuzz fuzz` takes them
#
# It reads $SRC $OUT $WORK $CC $CXX $CXXFLAGS $SANITIZER $FUZZING_ENGINE $LIB_FUZZING_ENGINE. Of the interpreter there is one build with
# the sanitizer and one without, which learns how the targets are called; both are kept in $WORK (FTFUZZ_CACHE says where else).
#
# $CFLAGS are not used: what is instrumented, and how, decides whether a schedule replays (compile_flags in ci/lib.sh), and the harness
# itself must not be instrumented at all. Of $CXXFLAGS the C++ library counts, which an engine has to be linked with.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || { echo "usage: ci/oss-fuzz/build.sh TARGET..." >&2; exit 2; }
for variable in OUT WORK CC CXX SANITIZER FUZZING_ENGINE LIB_FUZZING_ENGINE; do
  [ -n "${!variable:-}" ] || { echo "ftfuzz: error: \$$variable is not set; run this as build.sh of OSS-Fuzz's base-builder" >&2; exit 2; }
done
export FTFUZZ_CACHE=${FTFUZZ_CACHE:-$WORK/ftfuzz-cache}
case $SANITIZER in
  address | undefined) flavour=asan ;;
  thread) flavour=tsan ;;
  *) echo "ftfuzz: error: SANITIZER=$SANITIZER; ftfuzz has address, undefined and thread" >&2; exit 2 ;;
esac
[ "$flavour" = tsan ] || export FTFUZZ_ASAN=$SANITIZER
. "$here/../lib.sh"

mkdir -p "$OUT" "$WORK"
plain=$("$FTFUZZ_ROOT/ci/build-python" plain)
python=$("$FTFUZZ_ROOT/ci/build-python" $flavour)
build=$WORK/ftfuzz-build-$SANITIZER-$FUZZING_ENGINE
log=$build.log
cxxflags=
case " ${CXXFLAGS:-} " in *" -stdlib=libc++ "*) cxxflags=-stdlib=libc++ ;; esac
# Packages heed these, and the plain flavour would come out instrumented.
unset CFLAGS CXXFLAGS LDFLAGS
: >"$log"
logged "$log" "configuring the harness" env CXXFLAGS="$cxxflags" cmake -G Ninja -S "$FTFUZZ_ROOT" -B "$build" \
  -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" -DFTFUZZ_TESTS=OFF -DFTFUZZ_PYTHON_PLAIN="$plain" \
  "-DFTFUZZ_PYTHON_${flavour^^}=$python" -DFTFUZZ_ASAN="$FTFUZZ_ASAN" -DFTFUZZ_ENGINE="$LIB_FUZZING_ENGINE"
logged "$log" "building the harness" ninja -C "$build" ftfuzz "ftfuzz-worker-$flavour" "ftfuzz-target-$flavour"
for target in "$@"; do
  "$build/ftfuzz" export "$target" --flavour $flavour --out "$OUT"
done
