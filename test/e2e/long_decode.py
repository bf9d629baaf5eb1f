#!/usr/bin/python3
#===- long_decode.py - a million decode steps, and prompts of 16k tokens ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Long texts, in f32 (the --all tests; some minutes):

decode  10^6 steps of a tiny model without attention (a step's cost must not grow
        with the text): every logit is finite and as large at the end as at the
        beginning. Drift would show at once: the model forgets within a few
        hundred tokens, so its state after all steps must be the one that
        reading only the last tokens leaves, 1e-5.
prefill 16384 tokens of the `long` fixture in pieces, cut at random and at the
        edges of chunks, and the last ones decoded, against all at once, 1e-5.
"""
import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from compare_schedules import COMMON
from harness import FIXTURES, Braid, CommandFailed, Report
from oracle.compare import relative_error

BAR = 1e-5
TAIL = 4096  # tokens after which nothing earlier is left of the state
TINY = dict(COMMON, hybrid_override_pattern="MEM-", vocab_size=32, hidden_size=32, num_attention_heads=1, num_key_value_heads=1, head_dim=32,
            mamba_num_heads=2, mamba_head_dim=16, n_groups=1, ssm_state_size=16, conv_kernel=4, chunk_size=64, intermediate_size=32,
            n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=16, moe_shared_expert_intermediate_size=16)


def check_decode(report, braid, steps):
    config = braid.folder / "config.json"
    config.write_text(json.dumps(dict(TINY, max_position_embeddings=2 * steps)))
    artefact = braid.compile(config, "f32")
    weights = ["--synthetic-weights", 1, "--ignore-eos", "--threads", 1]
    start = time.monotonic()
    found = braid.run(artefact, *weights, "-n", steps, "--context", steps + 8, "--temperature", 1, "--seed", 1, ids=[1, 2, 3])
    report.info("decode", f"{steps} steps in {time.monotonic() - start:.0f} s")
    tokens, logits = found["decode.tokens"], found["decode.logits"]
    report.claim("decode: as many steps as asked for, all finite", len(logits) == steps and np.isfinite(logits).all(), f"{len(logits)} of {steps}")
    parts = np.array([np.abs(part).max() for part in np.array_split(logits, 10)])
    report.at_most("decode: largest logit, by tenths of the text", parts.max() / parts.min(), 1.5)
    different = len(np.unique(tokens[-TAIL:]))
    report.claim("decode: sampling has not run into a loop", different > 16, f"{different} different tokens at the end")
    # Row i of decode.logits follows token i - 1.
    fresh = braid.run(artefact, *weights, "-n", 0, "--context", TAIL + 1, ids=tokens[-TAIL - 1 : -1])["prompt.logits"]
    report.at_most(f"decode: the last 100 rows == after reading only {TAIL} tokens", relative_error(logits[-100:], fresh[-100:]), BAR)


def prefill(braid, artefact, ids, bounds, context):
    """Logits of the prompt, read in pieces."""
    parts, session = [], None
    for lo, hi in zip([0, *bounds], [*bounds, len(ids)]):
        load = ["--load-session", session] if session else []
        session = braid.fresh(".session")
        parts.append(braid.run(artefact, "-n", 0, "--context", context, *load, "--save-session", session, ids=ids[lo:hi])["prompt.logits"])
    return np.concatenate(parts)


def check_prefill(report, braid, fixtures, tokens, seed):
    source = braid.folder / "long"
    source.mkdir()
    config = json.loads((fixtures / "long" / "config.json").read_text())
    (source / "config.json").write_text(json.dumps(dict(config, max_position_embeddings=2 * tokens)))
    (source / "model.safetensors").symlink_to((fixtures / "long" / "model.safetensors").resolve())
    artefact, source = braid.compile(source, "f32"), random.Random(seed)
    ids, context, chunk = [source.randrange(config["vocab_size"]) for _ in range(tokens)], tokens + 64, config["chunk_size"]
    whole = prefill(braid, artefact, ids, [], context)
    middle = tokens // 2 // chunk * chunk
    for bounds in (sorted(source.sample(range(1, tokens), 3)), [middle - 1, middle + 1], [1, 8, 8 + chunk]):
        at = ",".join(map(str, bounds))
        report.at_most(f"prefill: {tokens} tokens cut at {at}", relative_error(prefill(braid, artefact, ids, bounds, context), whole), BAR)
    steps = 48
    found = braid.run(artefact, "-n", steps, "--ignore-eos", "--context", context, ids=ids)
    longer = prefill(braid, artefact, ids + found["decode.tokens"].tolist()[:-1], [], context)
    report.at_most(f"prefill: {tokens} tokens, then {steps} decoded == all at once", relative_error(found["decode.logits"], longer[tokens - 1 :]), BAR)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid", required=True, help="the braid command")
    parser.add_argument("--fixtures", type=Path, default=FIXTURES)
    parser.add_argument("--steps", type=int, default=10**6, help="0: skip")
    parser.add_argument("--tokens", type=int, default=16384, help="0: skip")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="braid-e2e-") as scratch:
        braid = Braid(options.braid, scratch, timeout=3600)
        try:
            if options.steps:
                check_decode(report, braid, options.steps)
            if options.tokens:
                check_prefill(report, braid, options.fixtures, options.tokens, options.seed)
        except CommandFailed as failure:
            report.claim("long texts", False, str(failure))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
