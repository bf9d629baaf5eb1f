#!/bin/bash
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Makes the folder that test/gpu/run.sh needs on a machine with a GPU: fixtures
# compiled for it, their reference results, and larger models without weights to
# measure with. Below 60 MB. Runs where Braid is built, needs ptxas.
#
#   test/gpu/pack.sh FOLDER
#
# BRAID     the braid command             (build/bin/braid)
# TARGETS   --target of braid compile     (cpu,sm_90a; each GPU takes 2 MB a model)
# FIXTURES  of test/fixtures              (dense latent-moe latent-moe-nvfp4 long plain-moe-fp8 storyteller)
# BENCHES   of test/configs               (nano; unless empty, gemm.json too)
# MACHINE   whose times to predict with the last of TARGETS (h200 for sm_90a, else none)
# OPTIONS   further ones of braid compile (--with-sim for the fake driver)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:?usage: test/gpu/pack.sh FOLDER}
braid=${BRAID:-$root/build/bin/braid}
targets=${TARGETS:-cpu,sm_90a}
benches=${BENCHES-nano}
case ${targets##*,} in sm_90a | h200) nearest=h200 ;; *) nearest= ;; esac
machine=${MACHINE-$nearest}
fixtures=${FIXTURES-dense latent-moe latent-moe-nvfp4 long plain-moe-fp8 storyteller}
most=60000000

for file in ${fixtures:+$(printf "test/fixtures/%s/reference.safetensors " $fixtures)} ${benches:+$(printf "test/configs/%s.json " $benches)}; do
  [ -f "$root/$file" ] || { echo "error: there is no $file" >&2; exit 1; }
done
mkdir -p "$out/fixtures" "$out/bench"
for name in $fixtures; do
  mkdir -p "$out/fixtures/$name"
  for file in reference.safetensors expected.json; do
    cp "$root/test/fixtures/$name/$file" "$out/fixtures/$name/"
  done
  # Of storyteller, f32 would be a fifth of it all, with the kernels of latent-moe.
  for precision in $([ "$name" = storyteller ] || echo f32) bf16; do
    "$braid" compile "$root/test/fixtures/$name" -q --precision=$precision --target="$targets" \
      ${OPTIONS:-} -o "$out/fixtures/$name/$precision.braid"
  done
done
# Fixtures are too small to choose wgmma: one is made to take it from 9 rows on.
if [[ " $fixtures " == *" latent-moe "* && ",$targets," =~ ,(sm_90a|h100|h200), ]]; then
  from=$root/test/fixtures/latent-moe dump=$out/dump.mlir
  "$braid" compile "$from" -q --precision=bf16 --target=sm_90a ${OPTIONS:-} --stop-after=kernel -o "$dump"
  /usr/bin/python3 "$root/test/e2e/warpgroups.py" --force "$dump"
  "$braid" compile "$dump" -q --weights-from="$from" ${OPTIONS:-} -o "$out/fixtures/latent-moe/bf16-wgmma.braid"
  rm "$dump"
fi
# What is measured there is held against a prediction for that GPU. A decoded
# token of gpu.py has the prompt and half of the 128 tokens before it.
bench() { # NAME CONFIG PROMPT
  "$braid" compile "$2" -q --target="$targets" ${OPTIONS:-} -o "$out/bench/$1.braid"
  rm -f "$out/bench/$1.plan.json"
  if [ -n "$machine" ]; then
    "$braid" plan "$2" --target="${targets##*,}" --machine="$machine" --prompt="$3" --context=$(($3 + 64)) --json > "$out/bench/$1.plan.json"
  fi
}
for name in $benches; do bench "$name" "$root/test/configs/$name.json" 2048; done
[ -z "$benches" ] || bench gemm "$root/test/gpu/gemm.json" 4096

size=$(du -sb "$out" | cut -f1)
echo "$out: $((size / 1000000)) MB for $targets"
if [ "$size" -gt "$most" ]; then
  echo "error: more than 60 MB; name fewer FIXTURES, BENCHES or TARGETS" >&2
  exit 1
fi
