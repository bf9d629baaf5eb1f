#===- attention.py - causal attention ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Grouped-query causal attention. There is no position encoding: what a token
knows about order it knows from the Mamba layers before."""
import numpy as np

from .precision import F32, exact


def softmax(x):
    """exp(x - max) / sum over the last axis, FP32; -inf gives exactly 0."""
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def attention(q, k, v, r=exact):
    """o[t, i] = softmax_s(q[t, i] . k[s, i'] / sqrt(D)) v[s, i'],  s <= start + t.

    q [T, Q, D] are the last T tokens, k and v [S, R, D] all S tokens so far;
    start = S - T; query head i reads head i' = i / (Q/R) -> [T, Q, D].
    Scores and probabilities stay FP32, the result is rounded once.
    Source: Vaswani et al. 2017; Ainslie et al. 2023 for the grouping.
    """
    tokens, heads, width = q.shape
    start = len(k) - tokens
    k = np.repeat(k, heads // k.shape[1], axis=1)
    v = np.repeat(v, heads // v.shape[1], axis=1)
    hidden = np.arange(len(k))[None, :] > start + np.arange(tokens)[:, None]
    out = np.empty_like(q)
    for i in range(heads):
        scores = (q[:, i] @ k[:, i].T) * F32(width**-0.5)
        out[:, i] = softmax(np.where(hidden, F32(-np.inf), scores)) @ v[:, i]
    return r(out)
