#===- conv.py - causal depthwise convolution ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The short convolution in front of the Mamba-2 scan."""
import numpy as np

from .norm import silu
from .precision import F32, exact


def causal_conv(x, weight, bias, window, r=exact):
    """out[t, c] = r(silu(bias[c] + sum_j weight[c, j] * x[t - (K-1) + j, c])).

    x [T, C], weight [C, K], bias [C] or None, window [K-1, C]: the inputs just
    before x (zeros at the start of a sequence) -> out [T, C], the next window.
    The window holds raw inputs, before convolution and SiLU. Tap K-1 meets the
    current token. The sum starts with the bias and runs from the oldest tap.
    A segment shorter than K-1 shifts the window, it does not replace it.
    Source: causal_conv1d `causal_conv1d_ref`.
    """
    tokens, channels = x.shape
    taps = weight.shape[1]
    padded = np.concatenate([window, x])
    total = np.zeros((tokens, channels), F32) if bias is None else np.tile(bias, (tokens, 1))
    for j in range(taps):
        total = total + weight[:, j] * padded[j : j + tokens]
    return r(silu(total)), padded[tokens:]
