#===- bad_checkpoints.py - checkpoints that must be refused ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Ways to break a checkpoint directory.

CASES holds (name, what the error must mention, function). The function gets a
fresh copy of the `latent-moe` fixture and breaks it. `mention` is a regular
expression that the error line must match: the file, key or tensor at fault.
"""
import json
import os
import struct

CASES = []
FILE = "model.safetensors"
INDEX = "model.safetensors.index.json"
TENSOR = "backbone.layers.0.mixer.out_proj.weight"


def case(name, mention):
    def register(function):
        CASES.append((name, mention, function))
        return function
    return register


def split(folder):
    """(header text, data) of the checkpoint's safetensors file."""
    blob = (folder / FILE).read_bytes()
    (length,) = struct.unpack_from("<Q", blob)
    return blob[8 : 8 + length], blob[8 + length :]


def join(folder, text, data, length=None):
    """Writes them back; `length` lies about the header's size."""
    (folder / FILE).write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)


def edit_header(folder, change):
    """change(header dictionary) in place; the data stays as it is."""
    text, data = split(folder)
    header = json.loads(text)
    change(header)
    join(folder, json.dumps(header).encode(), data)


def edit_config(folder, **keys):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config.update(keys)
    path.write_text(json.dumps(config))


def replace_text(folder, name, old, new):
    text = (folder / name).read_text()
    assert old in text, (name, old)
    (folder / name).write_text(text.replace(old, new, 1))


def shard(folder, change=lambda index: None):
    """Turns the one file into a shard with an index; change(weight_map)."""
    header = json.loads(split(folder)[0])
    header.pop("__metadata__", None)
    (folder / FILE).rename(folder / "part-1.safetensors")
    index = {name: "part-1.safetensors" for name in header}
    change(index)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": index}))


# -- the safetensors file: cut, lying about its length, not JSON --

def cut_at(where):
    def apply(folder):
        text, data = split(folder)
        blob = (folder / FILE).read_bytes()
        places = {"nothing left": 0, "one byte": 1, "half a length": 4, "the length alone": 8, "the first header byte": 9,
                  "half the header": 8 + len(text) // 2, "the header alone": 8 + len(text),
                  "one byte of data": 9 + len(text), "half the data": 8 + len(text) + len(data) // 2, "all but one byte": len(blob) - 1}
        (folder / FILE).write_bytes(blob[: places[where]])
    return apply


for _where in ("nothing left", "one byte", "half a length", "the length alone", "the first header byte", "half the header",
               "the header alone", "one byte of data", "half the data", "all but one byte"):
    CASES.append((f"safetensors cut: {_where}", FILE, cut_at(_where)))

for _length in (0, 1, 2**31, 2**40, 2**63 - 8, 2**64 - 1):
    CASES.append((f"safetensors header length {_length}", FILE,
                  lambda folder, length=_length: join(folder, *split(folder), length=length)))

for _name, _text in {"an array": b"[]", "a number": b"17", "not JSON": b"{'a': 1}", "not UTF-8": b'{"\xff\xfe": {}}',
                     "with text after it": b"{} {}", "nested 100000 deep": b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}"}.items():
    CASES.append((f"safetensors header {_name}", FILE, lambda folder, text=_text: join(folder, text, split(folder)[1])))


@case("safetensors bytes after the last tensor", FILE)
def _(folder):
    text, data = split(folder)
    join(folder, text, data + b"surplus bytes")


@case("safetensors duplicate key", "duplicate|" + TENSOR)
def _(folder):
    text, data = split(folder)
    entry = json.dumps(json.loads(text)[TENSOR])
    join(folder, b'{"' + TENSOR.encode() + b'": ' + entry.encode() + b", " + text.lstrip()[1:], data)


# -- what a failed download leaves in place of a file --

def text_file(name, text):
    return lambda folder: (folder / name).write_text(text)


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 1017472\n"
PAGE = "\n<!DOCTYPE html><html><body>404</body></html>\n" * 50
for _file in (FILE, INDEX, "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"):
    CASES.append((f"git-lfs pointer as {_file}", f"{_file}: .*Git LFS pointer", text_file(_file, LFS)))
    CASES.append((f"HTML page as {_file}", f"{_file}: .*web page", text_file(_file, PAGE)))


# -- one tensor's entry --

def entry(**fields):
    """Replaces fields of TENSOR's entry."""
    return lambda folder: edit_header(folder, lambda header: header[TENSOR].update(fields))


def offsets(change):
    def apply(folder):
        def move(header):
            header[TENSOR]["data_offsets"] = change(*header[TENSOR]["data_offsets"])
        edit_header(folder, move)
    return apply


for _name, _change in {
    "out of range": lambda b, e: [b + 2**24, e + 2**24], "reversed": lambda b, e: [e, b], "overlapping its neighbour": lambda b, e: [b - 64, e - 64],
    "negative": lambda b, e: [-64, e - b - 64], "too large for 64 bits": lambda b, e: [2**64, 2**64 + e - b], "that wrap around": lambda b, e: [2**63, 2**63 + e - b],
    "fractional": lambda b, e: [b + 0.5, e + 0.5], "of one number": lambda b, e: [b], "as text": lambda b, e: [str(b), str(e)],
    "too short for the shape": lambda b, e: [b, e - 2], "null": lambda b, e: None,
}.items():
    CASES.append((f"offsets {_name}", TENSOR, offsets(_change)))

for _name, _fields in {
    "dtype unknown": {"dtype": "Q7"}, "dtype a number": {"dtype": 7}, "dtype of another size": {"dtype": "F32"}, "dtype of the wrong kind": {"dtype": "I16"},
    "shape transposed": {"shape": [128, 64]}, "shape with one dimension more": {"shape": [64, 128, 1]}, "shape negative": {"shape": [-64, -128]},
    "shape whose product overflows": {"shape": [2**33, 2**33]}, "shape not a list": {"shape": 8192}, "shape of scalars": {"shape": []},
}.items():
    CASES.append((f"tensor {_name}", TENSOR, entry(**_fields)))


@case("tensor's entry empty", TENSOR)
def _(folder):
    edit_header(folder, lambda header: header.update({TENSOR: {}}))


@case("tensor missing", TENSOR)
def _(folder):
    def rename(header):
        header["mtp.layers.0.unused.weight"] = header.pop(TENSOR)
    edit_header(folder, rename)


@case("tensor surplus", "mystery")
def _(folder):
    def add(header):
        end = max(e["data_offsets"][1] for n, e in header.items() if n != "__metadata__")
        header["backbone.layers.0.mixer.mystery.weight"] = {"dtype": "BF16", "shape": [2], "data_offsets": [end, end + 4]}
    edit_header(folder, add)
    text, data = split(folder)
    join(folder, text, data + b"\0\0\0\0")


@case("router bias stored in BF16", "e_score_correction_bias")
def _(folder):
    def halve(header):
        name = "backbone.layers.1.mixer.gate.e_score_correction_bias"
        begin, _ = header[name]["data_offsets"]
        header[name].update(dtype="BF16", data_offsets=[begin, begin + 16])
    edit_header(folder, halve)


def number(tensor, bits):
    """Replaces the last number of a tensor."""
    def apply(folder):
        text, data = split(folder)
        end = json.loads(text)[tensor]["data_offsets"][1]
        join(folder, text, data[: end - len(bits)] + bits + data[end:])
    return apply


BIAS = "backbone.layers.1.mixer.gate.e_score_correction_bias"
for _name, _tensor, _bits in (("NaN", TENSOR, b"\xc0\x7f"), ("infinity", TENSOR, b"\x80\x7f"), ("F32 infinity", BIAS, b"\0\0\x80\x7f")):
    CASES.append((f"tensor with {_name}", f"{FILE}: tensor {_tensor}: .*finite", number(_tensor, _bits)))


# -- files and the index --

@case("no weights at all", "safetensors")
def _(folder):
    (folder / FILE).unlink()


@case("shard missing", "part-1.safetensors")
def _(folder):
    shard(folder)
    (folder / "part-1.safetensors").unlink()


@case("second shard missing", "part-2.safetensors")
def _(folder):
    shard(folder, lambda index: index.update({TENSOR: "part-2.safetensors"}))


@case("index names a tensor that its shard lacks", "mystery")
def _(folder):
    shard(folder, lambda index: index.update({"backbone.mystery.weight": "part-1.safetensors"}))


for _path in ("../part-1.safetensors", "/etc/passwd", "a/../../b.safetensors", "", ".", "part-1.safetensors\u0000x"):
    CASES.append((f"index path {_path!r}", "index", lambda folder, path=_path: shard(folder, lambda index: index.update({TENSOR: path}))))

for _name, _text in {"not JSON": "{", "an array": "[]", "without weight_map": "{}", "weight_map a list": '{"weight_map": []}', "no tensor": '{"metadata": {}, "weight_map": {}}',
                     "path a number": '{"weight_map": {"a": 1}}', "nested 100000 deep": '{"a":' + "[" * 100000, "empty": "",
                     "duplicate keys": '{"weight_map": {"a": "b", "a": "c"}}'}.items():
    CASES.append((f"index {_name}", "index", lambda folder, text=_text: (folder / INDEX).write_text(text)))


@case("FIFO as shard", FILE)
def _(folder):
    (folder / FILE).unlink()
    os.mkfifo(folder / FILE)


@case("device as shard", FILE)
def _(folder):
    (folder / FILE).unlink()
    (folder / FILE).symlink_to("/dev/zero")


@case("directory as shard", FILE)
def _(folder):
    (folder / FILE).unlink()
    (folder / FILE).mkdir()


for _file in (FILE, INDEX, "config.json", "generation_config.json", "tokenizer.json"):
    def _replace(folder, file=_file):
        (folder / file).unlink(missing_ok=True)
        (folder / file).symlink_to("nowhere")
    CASES.append((f"dangling link as {_file}", f"{_file}: .*link to 'nowhere'", _replace))


@case("dangling link as indexed shard", "part-2.safetensors: .*link to 'nowhere'")
def _(folder):
    shard(folder, lambda index: index.update({TENSOR: "part-2.safetensors"}))
    (folder / "part-2.safetensors").symlink_to("nowhere")


@case("FIFO as config.json", "config.json")
def _(folder):
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")


for _kind, _file in (("FIFO", INDEX), ("FIFO", "tokenizer.json"), ("FIFO", "tokenizer_config.json"), ("FIFO", "generation_config.json"),
                     ("device", "config.json"), ("device", INDEX), ("device", "tokenizer.json"), ("directory", "config.json"), ("directory", INDEX)):
    def _replace(folder, kind=_kind, file=_file):
        (folder / file).unlink(missing_ok=True)
        {"FIFO": os.mkfifo, "device": lambda path: path.symlink_to("/dev/zero"), "directory": os.mkdir}[kind](folder / file)
    CASES.append((f"{_kind} as {_file}, whatever it is for", _file, _replace))


# -- names are data: no line breaks or escape sequences in a message --

def renamed(name):
    def apply(folder):
        edit_header(folder, lambda header: header.update({name: header.pop(TENSOR)}))
    return apply


for _name, _text in {"with line breaks": "line\nerror: break\r\n", "with escape sequences": "\x1b[31mred\x1b]0;title\x07", "of a million letters": "x" * 1000000,
                     "empty": "", "with quotes and NUL": "a'b\"c\0d"}.items():
    CASES.append((f"tensor's name {_name}", "out_proj|" + FILE, renamed(_text)))


# -- the tokenizer and what belongs to it --

BPE = {"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
       "post_processor": None, "decoder": {"type": "ByteLevel"}, "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}}


def tokenizer(**changed):
    return text_file("tokenizer.json", json.dumps({**BPE, **changed}))


def bpe(**changed):
    return tokenizer(model={**BPE["model"], **changed})


def split_by(regex):
    return tokenizer(pre_tokenizer={"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False})


for _name, _break in {
    "empty": text_file("tokenizer.json", ""), "not JSON": text_file("tokenizer.json", "{"), "an array": text_file("tokenizer.json", "[]"),
    "nested 100000 deep": text_file("tokenizer.json", "[" * 100000), "of a kind that is unsupported": bpe(type="Unigram"), "without a vocabulary": bpe(vocab=None),
    "with an id twice": bpe(vocab={"a": 0, "b": 0}), "with an id of 2^40": bpe(vocab={"a": 2**40}), "with a negative id": bpe(vocab={"a": -1}),
    "with a merge of strangers": bpe(merges=[["x", "y"]]), "with a merge of three": bpe(merges=[["a", "b", "c"]]), "with an unknown normalizer": tokenizer(normalizer={"type": "Magic"}),
    "with a regex that is none": split_by("(["), "with an unknown pre-tokenizer": tokenizer(pre_tokenizer={"type": "Magic"}),
}.items():
    CASES.append((f"tokenizer {_name}", "tokenizer", _break))

CASES.append(("tokenizer_config not JSON", "tokenizer_config.json", text_file("tokenizer_config.json", "{,}")))
CASES.append(("generation_config not JSON", "generation_config.json", text_file("generation_config.json", "{,}")))
CASES.append(("generation_config with a stop token past the vocabulary", "eos_token_id", text_file("generation_config.json", '{"eos_token_id": [320]}')))


# -- config.json --

@case("no config.json", "config.json")
def _(folder):
    (folder / "config.json").unlink()


for _name, _text in {"empty": "", "an array": "[]", "not JSON": "{model_type: x}", "cut": '{"model_type": "nemo', "null": "null",
                     "nested 100000 deep": '{"a":' + "[" * 100000 + "]" * 100000 + "}", "with text after it": '{"model_type": "nemotron_h"} x'}.items():
    CASES.append((f"config {_name}", "config.json", lambda folder, text=_text: (folder / "config.json").write_text(text)))


@case("config duplicate key", "duplicate|hidden_size")
def _(folder):
    replace_text(folder, "config.json", '"vocab_size"', '"hidden_size": 64, "vocab_size"')


def keys(**changed):
    return lambda folder: edit_config(folder, **changed)


NAN, INFINITY = float("nan"), float("inf")
for _name, _mention, _keys in [
    ("model_type llama", "llama", dict(model_type="llama")),
    ("model_type a number", "model_type", dict(model_type=7)),
    ("unknown pattern letter", "pattern", dict(hybrid_override_pattern="MEM*EMEM*EMEM*X")),
    ("pattern empty", "pattern': expected 1 to 4096 layers, found 0", dict(hybrid_override_pattern="")),
    ("pattern longer than the weights", r"pattern|layers\.15", dict(hybrid_override_pattern="MEM*E" * 4)),
    ("pattern of a million layers", "pattern|layers", dict(hybrid_override_pattern="M" * 1000000)),
    ("pattern a list of numbers", "pattern", dict(hybrid_override_pattern=[1, 2])),
    ("layer list with an unknown kind", "layers_block_type|conv9", dict(layers_block_type=["mamba", "conv9"])),
    ("activation gelu", "mlp_hidden_act", dict(mlp_hidden_act="gelu")),
    ("bias declared but absent", "use_bias|in_proj.bias", dict(use_bias=True)),
    ("conv bias undeclared but present", "use_conv_bias|conv1d.bias", dict(use_conv_bias=False)),
    ("latent size of other weights", "moe_latent_size|latent|experts", dict(moe_latent_size=40)),
    ("latent size absent but weights latent", "moe_latent_size|latent|experts", dict(moe_latent_size=None)),
    ("heads not a multiple of KV heads", "num_key_value_heads|num_attention_heads", dict(num_key_value_heads=3)),
    ("Mamba heads not a multiple of groups", "n_groups|mamba_num_heads", dict(n_groups=3)),
    ("more experts chosen than there are", "num_experts_per_tok", dict(num_experts_per_tok=9)),
    ("experts not a multiple of routing groups", "n_group", dict(n_group=3)),
    ("more groups kept than there are", "topk_group", dict(topk_group=2)),
    ("epsilon NaN", "layer_norm_epsilon|NaN|config.json", dict(layer_norm_epsilon=NAN)),
    ("epsilon infinite", "layer_norm_epsilon|Infinity|config.json", dict(layer_norm_epsilon=INFINITY)),
    ("epsilon negative", "layer_norm_epsilon", dict(layer_norm_epsilon=-1.0)),
    ("epsilon as text", "layer_norm_epsilon", dict(layer_norm_epsilon="small")),
    ("scale zero", "routed_scaling_factor", dict(routed_scaling_factor=0)),
    ("scale negative", "routed_scaling_factor", dict(routed_scaling_factor=-2.5)),
    ("scale infinite", "routed_scaling_factor", dict(routed_scaling_factor=INFINITY)),
    ("dtype of integers", "torch_dtype", dict(dtype=None, torch_dtype="int8")),
    ("scale NaN", "routed_scaling_factor|NaN|config.json", dict(routed_scaling_factor=NAN)),
    ("dt limit reversed", "time_step_limit", dict(time_step_limit=[1.0, 0.0])),
    ("dt limit NaN", "time_step_limit|NaN", dict(time_step_limit=[0.0, NAN])),
    ("dt limit of three numbers", "time_step_limit", dict(time_step_limit=[0, 1, 2])),
    ("sliding window", "sliding_window", dict(sliding_window=128)),
]:
    CASES.append((f"config {_name}", _mention, keys(**_keys)))

for _key in ("hidden_size", "vocab_size", "num_attention_heads", "head_dim", "mamba_num_heads", "mamba_head_dim", "n_groups", "ssm_state_size",
             "conv_kernel", "chunk_size", "n_routed_experts", "num_experts_per_tok", "moe_intermediate_size", "max_position_embeddings"):
    for _value in (0, -1, 2**40, 2**64, 1.5, "64", [64]):
        CASES.append((f"config {_key} = {_value!r}", _key, keys(**{_key: _value})))
