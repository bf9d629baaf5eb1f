#===- model.py - layers, prefill, decode ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The whole model:

    h = Emb[ids]
    for each layer:  h = r(h + mixer(rms_norm(h)))
    logits = rms_norm(h) lm_head^T

A layer has exactly one mixer: Mamba-2 (M), attention (*), experts (E) or a
dense network (-). A state holds what a sequence has to remember between calls.
"""
from dataclasses import dataclass

import numpy as np

from . import config
from .attention import attention
from .checkpoint import Checkpoint
from .conv import causal_conv
from .experts import linear, mlp, routed
from .norm import gated_rms_norm, rms_norm
from .precision import F32, FP32
from .routing import route
from .scan import scan_chunked, scan_recurrent, time_step


@dataclass
class MambaState:
    window: np.ndarray    # [K-1, C] last inputs of the convolution
    ssm: np.ndarray       # [M, P, N], FP32 in both profiles


@dataclass
class KvState:
    k: np.ndarray         # [tokens so far, R, D]
    v: np.ndarray


class Mamba:
    """in_proj -> [z | x B C | dt]; conv over x B C; scan; gated norm; out_proj."""

    def __init__(self, c, weights, p, profile):
        self.c, self.profile = c, profile
        names = ("in_proj.weight", "out_proj.weight", "norm.weight", "A_log", "D", "dt_bias")
        self.w_in, self.w_out, self.norm, a_log, self.skip, self.dt_bias = (weights.weight(p + n) for n in names)
        self.b_in, self.b_out = weights.optional(p + "in_proj.bias"), weights.optional(p + "out_proj.bias")
        self.conv = weights.weight(p + "conv1d.weight")[:, 0, :]
        self.conv_bias = weights.optional(p + "conv1d.bias")
        self.a = -np.exp(a_log)

    def fresh(self):
        c = self.c
        return MambaState(np.zeros((c.conv_taps - 1, c.conv_channels), F32),
                          np.zeros((c.mamba_heads, c.mamba_head_dim, c.state), F32))

    def __call__(self, u, state, recurrent):
        """u [T, H] -> [T, H]; rows of in_proj: z, x (M P each), B, C (G N), dt (M)."""
        c, r, tokens = self.c, self.profile.r, len(u)
        projected = linear(u, self.w_in, self.b_in, r)
        z, xbc, dt = np.split(projected, [c.inner, c.inner + c.conv_channels], axis=1)
        xbc, state.window = causal_conv(xbc, self.conv, self.conv_bias, state.window, r)
        x, b, cc = np.split(xbc, [c.inner, c.inner + c.groups * c.state], axis=1)
        operands = (x.reshape(tokens, c.mamba_heads, c.mamba_head_dim),
                    time_step(dt, self.dt_bias, c.dt_limit), self.a,
                    b.reshape(tokens, c.groups, c.state),
                    cc.reshape(tokens, c.groups, c.state), self.skip, state.ssm)
        if recurrent:
            y, state.ssm = scan_recurrent(*operands)
        else:
            y, state.ssm = scan_chunked(*operands, c.chunk, self.profile.scan)
        y = gated_rms_norm(r(y.reshape(tokens, c.inner)), z, self.norm, c.groups, c.eps, r)
        return linear(y, self.w_out, self.b_out, r)


class Attention:
    """q, k, v projections; causal attention over the cache; output projection."""

    def __init__(self, c, weights, p, profile):
        self.c, self.r = c, profile.r
        self.w = {n: weights.weight(f"{p}{n}_proj.weight") for n in "qkvo"}
        self.b = {n: weights.optional(f"{p}{n}_proj.bias") for n in "qkvo"}

    def fresh(self):
        empty = np.zeros((0, self.c.kv_heads, self.c.head_dim), F32)
        return KvState(empty, empty)

    def project(self, name, u, heads):
        return linear(u, self.w[name], self.b[name], self.r).reshape(len(u), heads, self.c.head_dim)

    def __call__(self, u, state, recurrent):
        """u [T, H] -> [T, H]; appends T entries to the cache."""
        state.k = np.concatenate([state.k, self.project("k", u, self.c.kv_heads)])
        state.v = np.concatenate([state.v, self.project("v", u, self.c.kv_heads)])
        o = attention(self.project("q", u, self.c.heads), state.k, state.v, self.r)
        return linear(o.reshape(len(u), -1), self.w["o"], self.b["o"], self.r)


class Mlp:
    """down(relu(up u)^2). Also the shared expert."""

    def __init__(self, c, weights, p, profile):
        self.r = profile.r
        self.up, self.down = weights.weight(p + "up_proj.weight"), weights.weight(p + "down_proj.weight")
        self.b_up, self.b_down = weights.optional(p + "up_proj.bias"), weights.optional(p + "down_proj.bias")

    def fresh(self):
        return None

    def __call__(self, u, state=None, recurrent=False):
        return mlp(u, self.up, self.down, self.b_up, self.b_down, self.r)


class Experts:
    """shared(u) + fc2(sum of w_e f_e(fc1 u)); fc1 and fc2 only if latent.

    The router and the shared expert read u itself, never the latent. The
    routed scaling factor is part of w and does not touch the shared expert.
    """

    def __init__(self, c, weights, p, profile):
        self.c, self.r = c, profile.r
        self.gate = weights.weight(p + "gate.weight")
        self.bias = weights.weight(p + "gate.e_score_correction_bias")
        self.up = weights.experts(p[:-1], "up_proj", c.experts)
        self.down = weights.experts(p[:-1], "down_proj", c.experts)
        self.shared = Mlp(c, weights, p + "shared_experts.", profile)
        if c.latent:
            self.fc1, self.fc2 = (weights.weight(f"{p}{n}_latent_proj.weight") for n in ("fc1", "fc2"))
            self.b1, self.b2 = (weights.optional(f"{p}{n}_latent_proj.bias") for n in ("fc1", "fc2"))

    def fresh(self):
        return None

    def __call__(self, u, state, recurrent):
        c, r = self.c, self.r
        chosen, w = route(u, self.gate, self.bias, c.top_k, c.expert_groups, c.kept_groups, c.normalise, c.scale)
        t = linear(u, self.fc1, self.b1, r) if c.latent else u
        y = routed(t, chosen, w, self.up, self.down, r)
        if c.latent:
            y = linear(y, self.fc2, self.b2, r)
        return r(y + self.shared(u))


MIXERS = {"M": Mamba, "*": Attention, "-": Mlp, "E": Experts}


class Model:
    """A checkpoint, ready to be asked. Immutable; states are the caller's."""

    def __init__(self, directory, profile=FP32):
        self.config = c = config.read(directory)
        weights = Checkpoint(directory)
        self.r = profile.r
        self.embedding = weights.weight("backbone.embeddings.weight")
        self.head = self.embedding if c.tied else weights.weight("lm_head.weight")
        self.final_norm = weights.weight("backbone.norm_f.weight")
        self.norms, self.mixers = [], []
        for layer, letter in enumerate(c.pattern):
            p = f"backbone.layers.{layer}."
            self.norms.append(weights.weight(p + "norm.weight"))
            self.mixers.append(MIXERS[letter](c, weights, p + "mixer.", profile))

    def fresh(self):
        """State of a sequence that has not begun, one entry per layer."""
        return [mixer.fresh() for mixer in self.mixers]

    def __call__(self, ids, state=None, recurrent=False, hidden=None):
        """Logits [T, V] of the next T tokens `ids` of the sequence `state`
        (changed in place; None: a new one). `recurrent` chooses the form of the
        scan. `hidden`, a list, receives [T, H] after the embedding and each layer.
        """
        state = self.fresh() if state is None else state
        h = self.r(self.embedding[np.asarray(ids)])
        taps = [h]
        for norm, mixer, own in zip(self.norms, self.mixers, state):
            h = self.r(h + mixer(rms_norm(h, norm, self.config.eps, self.r), own, recurrent))
            taps.append(h)
        if hidden is not None:
            hidden += taps
        return linear(rms_norm(h, self.final_norm, self.config.eps, self.r), self.head, None, self.r)

    def greedy(self, prompt, count, state=None):
        """`count` best tokens after `prompt`, one at a time through the
        recurrence: tokens [count], the logits each was chosen from [count, V]."""
        state = self.fresh() if state is None else state
        row = self(prompt, state)[-1]
        tokens, rows = [], []
        for _ in range(count):
            rows.append(row)
            tokens.append(int(np.argmax(row)))
            row = self(tokens[-1:], state, recurrent=True)[-1]
        return np.array(tokens, np.int32), np.stack(rows)
