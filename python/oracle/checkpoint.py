#===- checkpoint.py - safetensors files and weights by name ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reading and writing safetensors, and a checkpoint directory as a whole.

A safetensors file is: header length (8 bytes, little endian), a JSON header
{name: {dtype, shape, data_offsets: [begin, end]}}, then the data; the offsets
count from the end of the header.
"""
import json
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import storage


@dataclass
class Stored:
    """A tensor as it lies in the file. raw: elements as storage.RAW says."""

    dtype: str
    raw: np.ndarray

    def as_float(self):
        return storage.to_float(self.dtype, self.raw)


def read_safetensors(path):
    """All tensors of one file, {name: Stored}."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        raw = np.frombuffer(data[begin:end], storage.RAW[entry["dtype"]])
        tensors[name] = Stored(entry["dtype"], raw.reshape(entry["shape"]))
    return tensors


def write_safetensors(path, tensors):
    """tensors: {name: Stored, or an array of a type that safetensors has}."""
    dtype_of = {np.dtype(raw): name for name, raw in storage.RAW.items() if name not in ("BF16", "F8_E4M3")}
    header, parts, offset = {}, [], 0
    for name, tensor in tensors.items():
        if not isinstance(tensor, Stored):
            tensor = Stored(dtype_of[np.asarray(tensor).dtype], np.asarray(tensor))
        part = tensor.raw.tobytes()
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.raw.shape),
                        "data_offsets": [offset, offset + len(part)]}
        parts.append(part)
        offset += len(part)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def read_arrays(path):
    """All tensors of one file as plain arrays, {name: array}; BF16 as FP32."""
    tensors = read_safetensors(path)
    return {name: t.as_float() if t.dtype == "BF16" else t.raw for name, t in tensors.items()}


class Checkpoint:
    """A directory of safetensors shards. Weights are asked for by the name that
    NVIDIA's checkpoints use (`backbone.layers.3.norm.weight`)."""

    def __init__(self, directory):
        directory = Path(directory)
        index = directory / "model.safetensors.index.json"
        shards = ["model.safetensors"]
        if index.exists():
            shards = sorted(set(json.loads(index.read_text())["weight_map"].values()))
        self.tensors = {}
        for shard in shards:
            for name, tensor in read_safetensors(directory / shard).items():
                self.tensors[canonical(name)] = tensor

    def __contains__(self, name):
        return name in self.tensors

    def weight(self, name):
        """The FP32 value of a tensor; quantised ones are dequantised. The
        static activation scales beside them (`input_scale`) are ignored."""
        stored, module = self.tensors[name], name.removesuffix(".weight")
        if stored.dtype == "F8_E4M3":
            return storage.decode_fp8(stored.raw, self.weight(module + ".weight_scale"))
        if stored.dtype == "U8":
            block_scale = self.tensors[module + ".weight_scale"].raw
            scale = self.weight(module + ".weight_scale_2")
            return storage.decode_nvfp4(stored.raw, block_scale, scale)
        return stored.as_float()

    def optional(self, name):
        """weight(name), or None if the checkpoint has no such tensor."""
        return self.weight(name) if name in self else None

    def experts(self, prefix, part, count):
        """The `part` (up_proj, down_proj) of each expert, from one tensor per
        expert or from one tensor that stacks them."""
        stacked = f"{prefix}.experts.{part}"
        if stacked in self:
            return list(self.weight(stacked))
        return [self.weight(f"{prefix}.experts.{e}.{part}.weight") for e in range(count)]


def canonical(name):
    """`model.` (as transformers 5 saves) and `language_model.` prefixes undone."""
    name = name.removeprefix("language_model.")
    return re.sub(r"^model\.", "backbone.", name)
