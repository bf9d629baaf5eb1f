#===- routing.py - which experts a token meets ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The router: sigmoid scores, a bias that only decides, top k."""
import numpy as np

from .precision import F32


def sigmoid(x):
    """1 / (1 + exp(-x)), FP32."""
    with np.errstate(over="ignore"):
        return F32(1) / (F32(1) + np.exp(-x))


def top_k(c, k):
    """Indices of the k largest of the last axis, best first. A tie goes to the
    lower index. c [T, E] -> [T, k]."""
    return np.argsort(-c, axis=-1, kind="stable")[:, :k]


def keep_groups(c, groups, kept):
    """c [T, E] with -inf outside the `kept` best groups of experts. A group's
    score is the sum of its two best experts' scores."""
    tokens, experts = c.shape
    grouped = c.reshape(tokens, groups, experts // groups)
    score = np.sort(grouped, axis=-1)[:, :, -2:].sum(axis=-1)
    chosen = np.zeros((tokens, groups), bool)
    np.put_along_axis(chosen, top_k(score, kept), True, axis=-1)
    return np.where(chosen[:, :, None], grouped, F32(-np.inf)).reshape(tokens, experts)


def route(u, gate, bias, k, groups=1, kept=1, normalise=True, scale=1.0):
    """s = sigmoid(u gate^T);  chosen = top k of (s + bias), within kept groups;
    w = s[chosen], divided by its sum if `normalise`, times `scale`.

    u [T, H], gate [E, H], bias [E] -> chosen [T, k], w [T, k]. All FP32 in both
    profiles, on the full hidden width also where experts are latent. The bias
    may be tens with a spread below 0.25: in BF16 all experts would look equal.
    Source: DeepSeek-V3 (2024) section 2.1.2; `NemotronHTopkRouter`.
    """
    s = sigmoid(u @ gate.T)
    c = s + bias
    if groups > 1:
        c = keep_groups(c, groups, kept)
    chosen = top_k(c, k)
    w = np.take_along_axis(s, chosen, axis=-1)
    if normalise:
        w = w / (np.sum(w, axis=-1, keepdims=True) + F32(1e-20))
    return chosen, w * F32(scale)
