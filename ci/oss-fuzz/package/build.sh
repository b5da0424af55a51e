#!/bin/bash -eu
# A release from the index. For a checkout: git clone it in the Dockerfile, and give its folder here, $SRC/markupsafe.
"$SRC/ftfuzz/ci/oss-fuzz/build.sh" markupsafe==3.0.4
