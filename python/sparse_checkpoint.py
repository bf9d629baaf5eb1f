#!/usr/bin/env python3
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Write a checkpoint that has every tensor of a real one and no data.

    sparse_checkpoint.py CONFIG.json --out DIR [--recipe RECIPE]

The files are sparse: config, index, and shards with true headers (names,
dtypes, shapes, offsets) whose data is a hole in the file and reads as zeros. A
checkpoint of 80 GB takes 30 MB on disk and two seconds. Recipes:

  plain        every tensor as the config's dtype (default)
  nano-nvfp4   as NVIDIA ModelOpt stores Nano: NVFP4 but for a list of modules,
               recipe in hf_quant_config.json
  super-nvfp4  as it stores Super: formats mixed layer by layer, recipe in a
               quantisation map of 41,100 entries in config.json
"""
import argparse
import json
import math
import os
import struct

BYTES = {"F32": 4, "BF16": 2, "F16": 2, "U8": 1, "F8_E4M3": 1}
DTYPES = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}
WORDS = {"mamba": "M", "linear_attention": "M", "attention": "*",
         "full_attention": "*", "mlp": "-", "moe": "E"}


def pattern_of(config):
    """The layers as letters."""
    words = config.get("layers_block_type")
    if words:
        return "".join(WORDS[w] for w in words)
    return config["hybrid_override_pattern"]


class TensorList:
    """Names with dtype and shape, in the order of the layers."""

    def __init__(self, config, algorithms, gate_dtype):
        self.c, self.algorithms, self.gate_dtype = config, algorithms, gate_dtype
        self.dtype = DTYPES[config.get("torch_dtype", "bfloat16")]
        self.tensors = {}

    def add(self, name, *shape, dtype=None):
        self.tensors[name] = (dtype or self.dtype, list(shape))

    def linear(self, module, out, inner):
        """A weight [out, inner] in the container its algorithm asks for."""
        algorithm = self.algorithms(module)
        if algorithm is None:
            self.add(module + ".weight", out, inner)
            return
        if algorithm == "FP8":
            self.add(module + ".weight", out, inner, dtype="F8_E4M3")
            self.add(module + ".weight_scale", dtype="F32")
        else:
            self.add(module + ".weight", out, inner // 2, dtype="U8")
            self.add(module + ".weight_scale", out, inner // 16, dtype="F8_E4M3")
            self.add(module + ".weight_scale_2", dtype="F32")
        self.add(module + ".input_scale", dtype="F32")

    def mamba(self, p):
        c = self.c
        heads, hidden = c["mamba_num_heads"], c["hidden_size"]
        inner = heads * c["mamba_head_dim"]
        conv = inner + 2 * c["n_groups"] * c["ssm_state_size"]
        self.linear(p + "in_proj", inner + conv + heads, hidden)
        self.add(p + "conv1d.weight", conv, 1, c["conv_kernel"])
        self.add(p + "conv1d.bias", conv)
        for name in ("A_log", "D", "dt_bias"):
            self.add(p + name, heads)
        self.add(p + "norm.weight", inner)
        self.linear(p + "out_proj", hidden, inner)

    def attention(self, p, kv_scales=False):
        c = self.c
        q, kv = (c[k] * c["head_dim"] for k in ("num_attention_heads", "num_key_value_heads"))
        hidden = c["hidden_size"]
        self.linear(p + "q_proj", q, hidden)
        self.linear(p + "k_proj", kv, hidden)
        self.linear(p + "v_proj", kv, hidden)
        self.linear(p + "o_proj", hidden, q)
        if kv_scales:
            self.add(p + "k_proj.k_scale", dtype="F32")
            self.add(p + "v_proj.v_scale", dtype="F32")

    def mlp(self, p):
        hidden, inner = self.c["hidden_size"], self.c["intermediate_size"]
        self.linear(p + "up_proj", inner, hidden)
        self.linear(p + "down_proj", hidden, inner)

    def moe(self, p, gate_dtype=None):
        c = self.c
        hidden, experts = c["hidden_size"], c["n_routed_experts"]
        latent = c.get("moe_latent_size")
        width, inner = latent or hidden, c["moe_intermediate_size"]
        shared = c["moe_shared_expert_intermediate_size"]
        self.add(p + "gate.weight", experts, hidden, dtype=gate_dtype)
        self.add(p + "gate.e_score_correction_bias", experts, dtype="F32")
        for e in range(experts):
            self.linear(f"{p}experts.{e}.up_proj", inner, width)
            self.linear(f"{p}experts.{e}.down_proj", width, inner)
        self.linear(p + "shared_experts.up_proj", shared, hidden)
        self.linear(p + "shared_experts.down_proj", hidden, shared)
        if latent:
            self.linear(p + "fc1_latent_proj", latent, hidden)
            self.linear(p + "fc2_latent_proj", hidden, latent)

    def body(self, kv_scales):
        c = self.c
        self.add("backbone.embeddings.weight", c["vocab_size"], c["hidden_size"])
        for index, letter in enumerate(pattern_of(c)):
            p = f"backbone.layers.{index}."
            self.add(p + "norm.weight", c["hidden_size"])
            p += "mixer."
            if letter == "M":
                self.mamba(p)
            elif letter == "*":
                self.attention(p, kv_scales)
            elif letter == "-":
                self.mlp(p)
            else:
                self.moe(p, self.gate_dtype)
        self.add("backbone.norm_f.weight", c["hidden_size"])
        if not c.get("tie_word_embeddings"):
            self.linear("lm_head", c["vocab_size"], c["hidden_size"])

    def draft(self):
        """One block: attention, then experts."""
        hidden = self.c["hidden_size"]
        for name in ("enorm", "hnorm", "norm"):
            self.add(f"mtp.layers.0.{name}.weight", hidden)
        self.add("mtp.layers.0.eh_proj.weight", hidden, 2 * hidden)
        self.attention("mtp.layers.0.mixer.")
        for name in ("norm", "final_layernorm"):
            self.add(f"mtp.layers.1.{name}.weight", hidden)
        self.moe("mtp.layers.1.mixer.")


def nano_exclusions(pattern):
    """lm_head, every convolution, attention, and the Mamba layer before each."""
    names = ["lm_head"]
    for i, letter in enumerate(pattern):
        p = f"backbone.layers.{i}.mixer."
        if letter == "M":
            names.append(p + "conv1d")
        if letter == "*":
            names += [p + n for n in ("q_proj", "k_proj", "v_proj", "o_proj")]
            before = pattern.rindex("M", 0, i)
            names += [f"backbone.layers.{before}.mixer.{n}" for n in ("in_proj", "out_proj")]
    return names


def super_map(config, pattern):
    """module -> algorithm. Known exactly: which o_proj, latent projections and
    experts, and how many of each other kind; which layers those are is not, and
    does not change a byte."""
    layers = {letter: [i for i, x in enumerate(pattern) if x == letter] for letter in "M*E"}
    quantised = {}

    def mark(indices, name, algorithm):
        for i in indices:
            quantised[f"backbone.layers.{i}.mixer.{name}"] = algorithm

    mark(layers["M"][:28], "in_proj", "FP8")
    mark(layers["M"][:29], "out_proj", "FP8")
    mark(layers["*"][-2:], "o_proj", "FP8")
    mark(layers["E"][:39], "shared_experts.up_proj", "FP8")
    mark(layers["E"][1:38], "shared_experts.down_proj", "FP8")
    mark(layers["E"][:1], "shared_experts.down_proj", "NVFP4")
    mark(layers["E"][:3], "fc1_latent_proj", "FP8")
    mark(layers["E"][1:2], "fc2_latent_proj", "FP8")
    for e in range(config["n_routed_experts"]):
        mark(layers["E"], f"experts.{e}.up_proj", "NVFP4")
        mark(layers["E"], f"experts.{e}.down_proj", "NVFP4")
    return quantised


def super_quantization_config(quantised):
    entry = {"FP8": {"quant_algo": "FP8"}, "NVFP4": {"quant_algo": "NVFP4", "group_size": 16}}
    groups = {"group_0": {"weights": {"num_bits": 8, "type": "float"}, "targets": []},
              "group_1": {"weights": {"num_bits": 4, "type": "float", "group_size": 16}, "targets": []}}
    return {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION",
            "kv_cache_scheme": {"num_bits": 8, "type": "float", "dynamic": False},
            "config_groups": groups,
            "quantized_layers": {m: entry[a] for m, a in quantised.items()},
            "ignore": [], "producer": {"name": "modelopt", "version": "0.43.0"}}


def build(config, recipe):
    """Returns (tensors, config.json, hf_quant_config.json or None)."""
    pattern = pattern_of(config)
    beside, algorithms, gate, kv_scales = None, lambda module: None, None, False
    if recipe == "nano-nvfp4":
        excluded = nano_exclusions(pattern)
        skip = set(excluded)
        algorithms, gate = (lambda module: None if module in skip else "NVFP4"), "F32"
        beside = {"producer": {"name": "modelopt", "version": "0.29.0"},
                  "quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8",
                                   "group_size": 16, "exclude_modules": excluded}}
    if recipe == "super-nvfp4":
        quantised = super_map(config, pattern)
        algorithms, kv_scales = quantised.get, True
        config = dict(config, quantization_config=super_quantization_config(quantised))
    names = TensorList(config, algorithms, gate)
    names.body(kv_scales)
    if config.get("num_nextn_predict_layers"):
        names.algorithms = lambda module: None
        names.draft()
    return names.tensors, config, beside


def size(tensor):
    dtype, shape = tensor
    return BYTES[dtype] * math.prod(shape)


def shards_of(tensors, shard_bytes):
    """Fills shards in order, none larger than it must be."""
    shards, room = [], 0
    for name, tensor in tensors.items():
        need = size(tensor)
        if not shards or room < need:
            shards.append({})
            room = shard_bytes
        shards[-1][name] = tensor
        room -= need
    return shards


def write_shard(path, tensors):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, tensor in tensors.items():
        end = offset + size(tensor)
        header[name] = {"dtype": tensor[0], "shape": tensor[1], "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        f.truncate(8 + len(text) + offset)


def write_checkpoint(directory, config, recipe="plain", shard_bytes=5 * 10 ** 9):
    """Returns (number of tensors, bytes of their data)."""
    tensors, config, beside = build(config, recipe)
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "config.json"), "w") as f:
        json.dump(config, f, indent=1)
    if beside:
        with open(os.path.join(directory, "hf_quant_config.json"), "w") as f:
            json.dump(beside, f, indent=1)
    shards = shards_of(tensors, shard_bytes)
    weight_map = {}
    for i, shard in enumerate(shards):
        name = f"model-{i + 1:05}-of-{len(shards):05}.safetensors"
        write_shard(os.path.join(directory, name), shard)
        weight_map.update((t, name) for t in shard)
    total = sum(map(size, tensors.values()))
    with open(os.path.join(directory, "model.safetensors.index.json"), "w") as f:
        json.dump({"metadata": {"total_size": total}, "weight_map": weight_map}, f, indent=1)
    return len(tensors), total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="a config.json")
    parser.add_argument("--out", required=True, help="the directory to write")
    parser.add_argument("--recipe", default="plain", choices=["plain", "nano-nvfp4", "super-nvfp4"])
    parser.add_argument("--shard-bytes", type=float, default=5e9)
    arguments = parser.parse_args()
    with open(arguments.config) as f:
        config = json.load(f)
    count, total = write_checkpoint(arguments.out, config, arguments.recipe, int(arguments.shard_bytes))
    print(f"{arguments.out}: {count} tensors, {total} bytes")


if __name__ == "__main__":
    main()
