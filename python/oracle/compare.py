#===- compare.py - distances between results ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How far two results are apart."""
import numpy as np


def relative_error(found, expected):
    """max |found - expected| / max |expected|; inf if shapes differ or a value
    is not finite (a NaN must not pass for a small distance)."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape or not np.all(np.isfinite(found)):
        return float("inf")
    scale = np.max(np.abs(expected)) or 1.0
    return float(np.max(np.abs(found - expected)) / scale)


def log_softmax(logits):
    """[T, V] in FP64."""
    x = np.asarray(logits, np.float64)
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def kl(expected, found):
    """KL(expected || found) in nats at each position; logits [T, V] -> [T]."""
    if np.shape(expected) != np.shape(found) or not np.all(np.isfinite(found)):
        return np.full(len(expected), np.inf)
    p, q = log_softmax(expected), log_softmax(found)
    return np.sum(np.exp(p) * (p - q), axis=-1)


def prompts(reference):
    """The prompt lengths T of a reference file's `T{n}.ids`, ascending."""
    return sorted(int(name[1:-4]) for name in reference if name.startswith("T") and name.endswith(".ids"))
