#!/bin/bash -eu
# Three modules of the standard library; `ftfuzz list` has more.
"$SRC/ftfuzz/ci/oss-fuzz/build.sh" json zlib datetime
