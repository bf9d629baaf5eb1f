#===- choice.py - how clear a router's choice of experts is ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Two experts whose scores differ by less than the rounding of f32 are both a
right choice, with different results. Where implementations are compared on
prompts drawn at random, these are not among them."""
import numpy as np

import harness  # noqa: F401  (finds the oracle)
from oracle.model import Experts
from oracle.norm import rms_norm
from oracle.routing import keep_groups, sigmoid

CLEAR = 2e-5  # as for the fixtures' own prompts


def gap(experts, u):
    """From the last score that is chosen to the first that is not, at the least."""
    c = experts.c
    scores = sigmoid(u @ experts.gate.T) + experts.bias
    if c.top_k == scores.shape[1]:
        return np.inf
    if c.expert_groups > 1:
        scores = keep_groups(scores, c.expert_groups, c.kept_groups)
    ordered = -np.sort(-scores, axis=-1)
    return (ordered[:, c.top_k - 1] - ordered[:, c.top_k]).min()


def narrowest_choice(model, ids):
    """The smallest gap of all tokens and layers of an oracle's model; infinite
    without experts."""
    hidden = []
    model(ids, hidden=hidden)
    return min((gap(mixer, rms_norm(h, norm, model.config.eps, model.r))
                for h, norm, mixer in zip(hidden, model.norms, model.mixers) if isinstance(mixer, Experts)), default=np.inf)
