#!/bin/bash
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Everything that a GPU can say about Braid, on a machine without LLVM: builds
# runtime/ alone, then runs what test/gpu/pack.sh packed. Needs cmake, a C++20
# compiler, the packages of runtime/CMakeLists.txt, python3 with numpy; uses
# compute-sanitizer where it is. Ends with a table for docs/performance.md.
#
#   test/gpu/run.sh FOLDER [options of test/gpu/gpu.py]
#
# BUILD   where to build                  (build/gpu)
# PYTHON  a Python with numpy             (python3)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
pack=${1:?usage: test/gpu/run.sh FOLDER [options]}
shift
build=${BUILD:-$root/build/gpu}
mkdir -p "$build"

python=${PYTHON:-python3}
"$python" -c 'import numpy' 2> /dev/null \
  || { echo "error: $python has no numpy; PYTHON names another, or pip install numpy" >&2; exit 1; }

cmake -S "$root/runtime" -B "$build" -DCMAKE_BUILD_TYPE=Release > "$build.log" 2>&1 \
  && cmake --build "$build" -j --target braid-run >> "$build.log" 2>&1 \
  || { tail -40 "$build.log" >&2; echo "error: runtime/ does not build, see $build.log" >&2; exit 1; }
exec "$python" "$root/test/gpu/gpu.py" --braid-run "$build/bin/braid-run" --pack "$pack" "$@"
