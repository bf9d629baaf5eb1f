#===- norm.py - RMS norms ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""RMS norm, and the gated RMS norm at the end of a Mamba-2 mixer."""
import numpy as np

from .precision import F32, exact


def silu(x):
    """x / (1 + exp(-x)), FP32. Far negative x: exp overflows to inf, x/inf = -0."""
    with np.errstate(over="ignore"):
        return x / (F32(1) + np.exp(-x))


def rms_norm(x, weight, eps, r=exact):
    """n = x / sqrt(mean(x^2) + eps);  out = r(weight * r(n)).

    x [T, H], weight [H] (plain, not 1 + weight) -> [T, H].
    Source: Zhang and Sennrich 2019; `NemotronHRMSNorm` of transformers, which
    rounds the normalised value before it is weighted.
    """
    mean = np.mean(x * x, axis=-1, keepdims=True, dtype=F32)
    return r(weight * r(x / np.sqrt(mean + F32(eps))))


def gated_rms_norm(y, z, weight, groups, eps, r=exact):
    """v = y * silu(z);  n = v / sqrt(mean over its group(v^2) + eps);
    out = r(weight * r(n)).

    y, z [T, M P], weight [M P] -> [T, M P]. A group is M P / groups adjacent
    channels. The gate comes first, then the norm; neither the other order nor
    one norm over all channels gives the same model.
    Source: mamba_ssm `layernorm_gated` with `norm_before_gate=False`.
    """
    tokens, width = y.shape
    v = (y * silu(z)).reshape(tokens, groups, width // groups)
    mean = np.mean(v * v, axis=-1, keepdims=True, dtype=F32)
    n = (v / np.sqrt(mean + F32(eps))).reshape(tokens, width)
    return r(weight * r(n))
