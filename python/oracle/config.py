#===- config.py - config.json ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""config.json of `nemotron_h`, with the aliases and defaults that are in use."""
import json
import math
from dataclasses import dataclass
from pathlib import Path

LETTERS = {"mamba": "M", "linear_attention": "M", "attention": "*", "full_attention": "*", "mlp": "-", "moe": "E"}


@dataclass(frozen=True)
class Config:
    pattern: str          # one letter per layer: M Mamba-2, * attention, E experts, - dense
    vocabulary: int
    hidden: int
    eps: float
    tied: bool            # the head reads the embedding table
    context: int
    # attention
    heads: int
    kv_heads: int
    head_dim: int
    # Mamba-2
    mamba_heads: int
    mamba_head_dim: int
    groups: int
    state: int
    conv_taps: int
    chunk: int
    dt_limit: tuple       # (low, high), high may be inf
    # experts
    experts: int
    top_k: int
    latent: int | None    # None: experts work on the hidden width
    expert_groups: int
    kept_groups: int
    normalise: bool
    scale: float

    @property
    def inner(self):
        """Width of a Mamba mixer. The key `expand` is not what defines it."""
        return self.mamba_heads * self.mamba_head_dim

    @property
    def conv_channels(self):
        return self.inner + 2 * self.groups * self.state


def layer_pattern(c):
    """The list form wins over the string; `|` in a string is a pipeline cut."""
    kinds = c.get("layers_block_type") or c.get("layer_types")
    if kinds:
        return "".join(LETTERS[kind] for kind in kinds)
    return c.get("hybrid_override_pattern", "ME*-").replace("|", "").split("/")[0]


def number(value):
    """A JSON number, or one of the spellings of infinity that are in use."""
    if isinstance(value, dict):
        value = value["__float__"]
    return float(value)


def parse(c):
    """The dictionary of config.json -> Config."""
    if c.get("model_type") != "nemotron_h":
        raise ValueError(f"model_type: expected nemotron_h, found {c.get('model_type')}")
    act = c.get("mlp_hidden_act", "relu2")
    if act != "relu2":
        raise ValueError(f"mlp_hidden_act: expected relu2, found {act}")

    def get(default, *names):
        return next((c[name] for name in names if c.get(name) is not None), default)

    limit = get((0.0, math.inf), "time_step_limit", "mamba_dt_limit")
    return Config(
        pattern=layer_pattern(c),
        vocabulary=get(131072, "vocab_size"),
        hidden=get(4096, "hidden_size"),
        eps=get(1e-5, "layer_norm_epsilon"),
        tied=get(False, "tie_word_embeddings"),
        context=get(4096, "max_position_embeddings"),
        heads=get(32, "num_attention_heads"),
        kv_heads=get(8, "num_key_value_heads"),
        head_dim=get(128, "head_dim", "attention_head_dim"),
        mamba_heads=get(128, "mamba_num_heads"),
        mamba_head_dim=get(64, "mamba_head_dim"),
        groups=get(8, "n_groups", "mamba_n_groups"),
        state=get(128, "ssm_state_size"),
        conv_taps=get(4, "conv_kernel", "mamba_d_conv"),
        chunk=get(128, "chunk_size", "mamba_chunk_size"),
        dt_limit=tuple(number(v) for v in limit),
        experts=get(8, "n_routed_experts"),
        top_k=get(2, "num_experts_per_tok"),
        latent=c.get("moe_latent_size"),
        expert_groups=get(1, "n_group"),
        kept_groups=get(1, "topk_group"),
        normalise=get(True, "norm_topk_prob"),
        scale=get(1.0, "routed_scaling_factor"),
    )


def read(directory):
    """Config of a checkpoint directory."""
    return parse(json.loads((Path(directory) / "config.json").read_text()))
