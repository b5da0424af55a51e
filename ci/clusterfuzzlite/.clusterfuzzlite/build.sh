#!/bin/bash -eu
# ClusterFuzzLite runs this in the image of the Dockerfile beside it. Name further targets behind the first.
"$SRC/ftfuzz/ci/oss-fuzz/build.sh" "$SRC/project"
