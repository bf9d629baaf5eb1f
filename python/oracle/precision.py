#===- precision.py - numeric profiles ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The two numeric profiles.

A profile is what is done at the rounding points: every place where a BF16
model stores an activation. All arithmetic between them is FP32 in both.
"""
from dataclasses import dataclass
from typing import Callable

import numpy as np

F32 = np.float32


def exact(x):
    """Rounding of the F32 profile: none."""
    return x


def bf16(x):
    """Round FP32 to BF16 and back: nearest, ties to even; NaN stays NaN.

    BF16 is the upper half of an FP32 number, so rounding is an integer
    addition on the bits: just under half, plus one if the kept part is odd.
    """
    x = np.ascontiguousarray(x, dtype=F32)
    bits = x.view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    rounded = (bits + np.uint32(0x7FFF) + odd) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(x), x, rounded.view(F32))


@dataclass(frozen=True)
class Profile:
    """r: at every stored activation. scan: inside the chunked scan, the extra
    roundings that a tensor-core kernel makes before each of its dots."""

    name: str
    r: Callable
    scan: Callable


FP32 = Profile("f32", exact, exact)
BF16 = Profile("bf16", bf16, exact)
BF16_TENSOR_CORE = Profile("bf16-tensor-core", bf16, bf16)
