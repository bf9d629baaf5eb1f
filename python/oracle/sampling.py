#===- sampling.py - which token comes next ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The choice of a token from logits: the largest, or a draw by temperature."""
import numpy as np

from .precision import F32

WORD = 2**64 - 1


def mix(x):
    """The finaliser of splitmix64 (Steele et al. 2014), a bijection of 64 bits."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & WORD
    return x ^ (x >> 31)


def draw_key(seed, position):
    """The 32 bits that decide the draw of the id after `position` tokens."""
    return mix((mix(seed) + (position + 1) * 0x9E3779B97F4A7C15) & WORD) & 0xFFFFFFFF


def gumbel(key, count):
    """g(key, v) for 0 <= v < count -> [count]: draws of the Gumbel distribution.

    u in (0, 1) is a hash of key and v;  g = -log(-log(1 - u)), FP32.
    """
    x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(key)
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    x ^= x >> 16
    u = ((x >> 1).astype(F32) + F32(0.5)) * F32(2.0**-31)
    return -np.log(-np.log1p(-u))


def scores(logits, temperature, key):
    """What the chosen id has most of. logits [V] -> [V]: the logits themselves at
    temperature 0; else logits / temperature + g(key, v), of which the largest is
    at v with probability softmax(logits / temperature). Source: Maddison et al.
    2014 (the Gumbel-max trick)."""
    if temperature == 0:
        return logits
    return logits / F32(temperature) + gumbel(key, len(logits))
