#===- experts.py - squared-ReLU networks ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Linear maps, the squared-ReLU network, and the sum over routed experts."""
import numpy as np

from .precision import F32, exact


def linear(x, weight, bias=None, r=exact):
    """y = r(x weight^T + bias).  x [T, in], weight [out, in], bias [out] or None.
    Accumulates in FP32 and rounds once, after the bias."""
    y = x @ weight.T
    return r(y if bias is None else y + bias)


def relu2(x):
    """max(x, 0)^2."""
    return np.square(np.maximum(x, F32(0)))


def mlp(x, up, down, up_bias=None, down_bias=None, r=exact):
    """down(relu(up x)^2), not gated.  x [T, in], up [I, in], down [out, I]."""
    inner = r(relu2(linear(x, up, up_bias, r)))
    return linear(inner, down, down_bias, r)


def routed(x, chosen, weights, up, down, r=exact):
    """m_t = r(sum over e in chosen_t of weights_te * mlp_e(x_t)).

    x [T, X], chosen and weights [T, k], up[e] [I, X], down[e] [X, I] -> [T, X].
    The sum is FP32, in ascending order of e. An expert sees only the tokens
    that chose it.
    """
    total = np.zeros_like(x)
    for e in np.unique(chosen):
        token, slot = np.nonzero(chosen == e)
        y = mlp(x[token], up[e], down[e], r=r)
        total[token] += weights[token, slot][:, None] * y
    return r(total)
