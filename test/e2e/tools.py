#!/usr/bin/python3
#===- tools.py - inspect, tokenize, verify, and compiling from a dump ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the commands around `compile` and `run` promise:

    inspect    says what the manifest says, loads no code, refuses changed bytes
    tokenize   the ids of the reference library; the same from an artefact
    verify     passes what was compiled; finds changed bytes and wrong kernels
    resume     a dump of each phase gives the bytes that a direct compile gives
    arguments  --option value and --option=value; mistakes in usage
    same bytes twice, in another folder, and with any number of jobs
"""
import argparse
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import FIXTURES, Braid, CommandFailed, Report, seal, sections

# name, text in the device phase's code, what to replace it by (all of them), the
# precisions that show it
WRONG_KERNELS = [
    ("an epsilon of 1e-4 in the norms", "9.99999974E-6", "9.99999974E-5", "f32"),
    ("an epsilon of 0.1 in the norms", "9.99999974E-6", "1.000000e-01", "f32 bf16"),
    ("a routed scale of 2.5 for 5", "constant(5.000000e+00 : f32)", "constant(2.500000e+00 : f32)", "f32 bf16"),
    ("a coefficient of the softplus", "-0.24999994", "-0.25999994", "f32"),
    ("a coefficient of the exponential", "0.166666657", "0.266666657", "f32 bf16"),
]
# Options that make GPU code too.
GPU = ["--precision=bf16", "--target=cpu,sm_90a", "--with-sim"]


class Bench:
    def __init__(self, options, scratch):
        self.braid = Braid(options.braid, scratch)
        self.folder = Path(scratch)
        self.fixture = options.fixtures / "latent-moe-mixed"
        # GPU code for all that a mixed model needs would take minutes.
        self.dense, self.coded = options.fixtures / "dense", options.fixtures / "plain-moe-fp8"
        self.fixtures = options.fixtures

    def run(self, *arguments, text=None, environment=None):
        """Exit code, stdout, stderr."""
        command = [str(self.braid.path), *map(str, arguments)]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=600, cwd=self.folder,
                              env={**os.environ, **(environment or {})})
        return done.returncode, done.stdout, done.stderr

    def compile(self, source, *options):
        out = self.braid.fresh(".braid")
        self.braid.call("compile", source, "-o", out, "-q", *options)
        return out

    def dump(self, phase, *options, fixture=None):
        out = self.braid.fresh(".mlir")
        self.braid.call("compile", fixture or self.fixture, f"--stop-after={phase}", "-o", out, "-q", *options)
        return out


def refused(report, name, answer, mention):
    """One clear line, exit code 1."""
    code, _, errors = answer
    lines = [line for line in errors.splitlines() if line.startswith("error:")]
    report.claim(name, code == 1 and len(lines) == 1 and mention in errors, f"exit code {code}, {errors.strip()[:200] or 'no message'}")


#===- artefacts from outside ---===#


def changed(path, offset, out, sealed=False):
    """A copy with one byte changed."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x10
    if sealed:
        seal(data)
    out.write_bytes(data)
    return out


#===- the commands ---===#


def check_version(report, bench):
    code, out, _ = bench.run("--version")
    report.claim("--version", code == 0 and re.search(r"braid \d.*LLVM \d+\.\d.*ABI \d.*x86-64-v3", out, re.DOTALL), out.replace("\n", "; "))
    code, out, _ = bench.run("--help")
    missing = [name for name in "plan compile run inspect tokenize verify bench".split() if not re.search(rf"^  {name} ", out, re.MULTILINE)]
    report.claim("--help lists the commands", code == 0 and not missing, f"missing: {missing}")
    report.claim("help", bench.run("help") == (code, out, "") and bench.run("help", "plan") == bench.run("plan", "--help"), "as --help")
    code, out, _ = bench.run("run", "--version")
    report.claim("run --version", code == 0 and re.fullmatch(r"braid run \d+\.\d+\.\d+\nABI \d+\n", out), repr(out))
    for command in ("plan", "compile", "bench", "inspect", "tokenize", "verify"):
        code, out, _ = bench.run(command, "--help")
        report.claim(f"{command} --help", code == 0 and f"usage: braid {command}" in out, out.split("\n")[0])
        code, _, errors = bench.run(command, "--no-such-option")
        report.claim(f"{command} --no-such-option", code == 2 and "error: unknown option" in errors, f"exit code {code}")


def check_arguments(report, bench):
    """A value may follow an option as a word of its own; a wrong one is a mistake
    in usage, whatever the command."""
    plans = [bench.run("plan", bench.fixture, "--json", *batch) for batch in (["--batch=3"], ["--batch", "3"], [])]
    report.claim("plan --batch 3", plans[0] == plans[1] != plans[2], "as --batch=3")
    same = same_files(bench.compile(bench.fixture, "--precision=f32", "--weights=none"), bench.compile(bench.fixture, "--precision", "f32", "--weights", "none"), weights=False)
    report.claim("compile --precision f32 --weights none", same, "as with =")
    for command in (["compile", "--precision=f8"], ["compile", "-j0"], ["compile", "--jobs", "x"], ["compile", "--weights="], ["compile", "--target", ""], ["inspect", "--json", "--ptx=sm_80"], ["inspect", "--kernel=x"], ["compile", "-q=1"], ["compile", "--mlir-nonsense"],
                    ["compile", "second"], ["plan", "--memory=much"], ["plan", "--batch"], ["plan", "--memory=24"], ["bench", "--threads=1,x"], ["bench", "--threads=0"], ["bench", "--repeats=0"], ["verify", "--threads", "0"]):
        code, _, errors = bench.run(command[0], "model", *command[1:])
        lines = [line for line in errors.splitlines() if line.startswith("error:")]
        report.claim(f"usage: {' '.join(command)}", code == 2 and len(lines) == 1, f"exit code {code}, {errors.strip()[:100]}")


def check_inspect(report, bench):
    artefact = bench.compile(bench.fixture, "--precision=f32")
    data = artefact.read_bytes()
    offset, size = sections(data)[".braid.manifest"]
    manifest = json.loads(data[offset:offset + size])
    _, raw, _ = bench.run("inspect", artefact, "--manifest")
    report.claim("inspect --manifest", raw.strip() == data[offset:offset + size].decode().strip(), f"{len(raw)} bytes")
    _, out, _ = bench.run("inspect", artefact, "--json")
    found = json.loads(out)
    for key, value in (("model", manifest["model"]), ("precision", "f32"), ("target", manifest["target"]), ("generation", manifest["generation"]),
                       ("producer", manifest["producer"]), ("kernels", [kernel["name"] for kernel in manifest["kernels"]])):
        report.claim(f"inspect --json: {key}", found[key] == value, json.dumps(found[key])[:100])
    layers = [name for run in found["layer_map"] for name in run["unit"] * run["times"]]
    report.claim("inspect: layer map", layers == ["Mamba-2", "Latent MoE", "Mamba-2", "Attention", "Latent MoE"] * 3 and len(found["layer_map"]) == 1, str(layers[:5]))
    mamba, attention = 6 * (3 * 192 + 8 * 16 * 16) * 4, 3 * 2 * 2 * 16 * 4
    state = found["state"]
    report.claim("inspect: state", (state["bytes_per_sequence"], state["bytes_per_token"]) == (mamba, attention), f"{state['bytes_per_sequence']}, {state['bytes_per_token']}")
    formats = found["weights"]["by_format"]
    report.claim("inspect: formats", {"bf16", "fp8", "nvfp4"} <= set(formats), ", ".join(formats))
    report.claim("inspect: sections", found["sections"][".braid.manifest"] == size and found["bytes"] == len(data), f"{len(found['sections'])} sections")
    code, text, _ = bench.run("inspect", artefact)
    shown = ("Mamba-2, Latent MoE, Mamba-2, Attention, Latent MoE  x 3", str(mamba), "needs", "nvfp4", "golden", ".braid.seal")
    report.claim("inspect: text", code == 0 and all(part in text for part in shown), "; ".join(text.splitlines()[2:5]))
    loads = lambda *command: artefact.name in bench.run(*command, environment={"LD_DEBUG": "files"})[2]
    report.claim("inspect loads no code", not loads("inspect", artefact) and loads("verify", artefact, "-q"), "by the loader's own trace; verify does")
    for name in (".text", ".braid.manifest", ".braid.golden"):
        bad = changed(artefact, sections(data)[name][0] + 5, bench.braid.fresh(".braid"))
        refused(report, f"inspect: a byte of {name} changed", bench.run("inspect", bad), "seal")
    refused(report, "inspect: not an artefact", bench.run("inspect", bench.fixture / "config.json"), "config.json")


def find_ptxas():
    return shutil.which("ptxas") or Path(os.environ["CUDA_HOME"]) / "bin" / "ptxas"


def check_inspect_gpu(report, bench):
    """GPU code is described as the manifest and the sections have it."""
    plain = bench.compile(bench.dense, "--weights=none")
    report.claim("inspect: no GPU code", json.loads(bench.run("inspect", plain, "--json")[1])["gpus"] == [] and "GPU  " not in bench.run("inspect", plain)[1], "none listed")
    artefact = bench.compile(bench.dense, "--weights=none", "--target=cpu,sm_80,sm_90a", "--with-sim")
    gpus = {gpu["target"]: gpu for gpu in json.loads(bench.run("inspect", artefact, "--json")[1])["gpus"]}
    found = {target: (gpu["exact"], gpu["ptx_version"], gpu["oldest_driver"]) for target, gpu in gpus.items()}
    report.claim("inspect: GPU targets", found == {"sm_80": (False, "8.0", "r525 (CUDA 12.0)"), "sm_90a": (True, "8.3", "r545 (CUDA 12.3)")}, str(found))
    places = sections(artefact.read_bytes())
    sizes = {target: (places[f".braid.gpu.{target}.ptx"][1], places[f".braid.gpu.{target}.cubin"][1]) for target in gpus}
    report.claim("inspect: PTX and cubin", all((gpu["ptx_bytes"], gpu["cubin_bytes"]) == sizes[target] for target, gpu in gpus.items()), str(sizes))
    written = {gpu["target"]: gpu["kernels"] for gpu in json.loads(bench.run("inspect", artefact, "--manifest")[1])["gpus"]}
    keys = ("name", "kernel", "strategy", "threads", "shared_bytes", "registers", "stack_bytes", "spill_bytes")
    same = all([{key: kernel[key] for key in keys} for kernel in gpu["kernels"]] == [{key: kernel[key] for key in keys} for kernel in written[target]] for target, gpu in gpus.items())
    report.claim("inspect: GPU kernels", same and all(written.values()), f"{[len(kernels) for kernels in written.values()]} of the manifest")
    parts = [kernel["occupancy"] for gpu in gpus.values() for kernel in gpu["kernels"]]
    report.claim("inspect: occupancy", all(0 < part <= 1 for part in parts), f"{min(parts)} to {max(parts)}")
    code, text, _ = bench.run("inspect", artefact)
    shown = ("sm_80, and later ones", "sm_90a, this architecture alone; PTX 8.3, driver r545 (CUDA 12.3) or later", "occupancy", "can be simulated")
    release = re.search(r"release ([\d.]+)", subprocess.run([find_ptxas(), "--version"], capture_output=True, text=True).stdout)[1]
    report.claim("inspect: the assembler", {gpu["ptxas"] for gpu in gpus.values()} == {release} and f"assembled by ptxas {release} (" in text, release)
    report.claim("inspect: GPU text", code == 0 and all(part in text for part in shown), "; ".join(line for line in text.splitlines() if line.startswith("GPU")))
    offset, size = places[".braid.gpu.sm_90a.ptx"]
    ptx = bench.run("inspect", artefact, "--ptx=sm_90a")[1]
    report.claim("inspect --ptx", ptx.encode() == artefact.read_bytes()[offset : offset + size], f"{size} bytes")
    (bench.folder / "all.ptx").write_text(ptx)
    assembled = subprocess.run([find_ptxas(), "-arch=sm_90a", bench.folder / "all.ptx", "-o", bench.folder / "all.cubin"], capture_output=True)
    report.claim("inspect --ptx: one module, which ptxas takes", assembled.returncode == 0, assembled.stderr.decode()[:200] or "all kernels")
    report.claim("inspect --ptx of a card", bench.run("inspect", artefact, "--ptx=h200")[1] == ptx, "h200 is sm_90a")
    refused(report, "inspect --ptx of no card", bench.run("inspect", artefact, "--ptx=sm_70"), "expected one GPU of sm_80, ")
    name = written["sm_90a"][-1]["name"]
    one = bench.run("inspect", artefact, "--ptx=sm_90a", f"--kernel={name}")[1]
    report.claim("inspect --ptx --kernel", re.findall(r"\.entry (\w+)", one) == [name] and ".version" in one and one.endswith("}\n"), f"{len(one)} bytes of {name}")
    (bench.folder / "one.ptx").write_text(one)
    assembled = subprocess.run([find_ptxas(), "-arch=sm_90a", bench.folder / "one.ptx", "-o", bench.folder / "one.cubin"], capture_output=True)
    report.claim("inspect --ptx --kernel: ptxas takes it", assembled.returncode == 0, assembled.stderr.decode()[:200] or "alone")
    refused(report, "inspect --ptx of no target", bench.run("inspect", artefact, "--ptx=sm_86"), "only for sm_80, sm_90a")
    refused(report, "inspect --ptx of no kernel", bench.run("inspect", artefact, "--ptx=sm_80", "--kernel=x"), "no kernel 'x'")
    bare = bench.braid.fresh(".braid")
    code, _, errors = bench.run("compile", bench.dense, "--weights=none", "--target=sm_90a", "-o", bare, environment={"CUDA_HOME": "", "CUDA_PATH": "", "PATH": "/usr/lib/llvm-22/bin"})
    report.claim("compile without ptxas says so", code == 0 and "not assembled: no ptxas" in errors, next((line for line in errors.splitlines() if "PTX" in line), errors))
    report.claim("inspect: PTX alone", "not assembled: braid run --allow-jit" in bench.run("inspect", bare)[1], "no cubin")


def check_code_cache(report, bench):
    """Assembled code is taken from the cache by content, and only if it is whole."""
    folder = bench.folder / "cache"

    def compile(*options, target="sm_90a"):
        """The artefact's bytes, and how many of its kernels were assembled earlier."""
        out = bench.braid.fresh(".braid")
        code, _, errors = bench.run("compile", bench.dense, "--weights=none", f"--target={target}", f"--cache={folder}", "-o", out, *options)
        found = re.search(r" (\d+) assembled earlier", errors)
        return (out.read_bytes() if code == 0 else errors), int(found[1]) if found else 0

    first, second = compile(), compile()
    entries = lambda: sorted(folder.glob("*"))
    kernels = len(entries())
    report.claim("cache: a second compilation", kernels > 20 and first[1] == 0 and second == (first[0], kernels), f"{second[1]} kernels, {kernels} entries")
    report.claim("cache: none", compile("--cache=none") == (first[0], 0), "assembled again, same bytes")
    for damage in (lambda data: data[:-1], lambda data: data[:200] + b"?" + data[201:], lambda data: b""):
        entries()[0].write_bytes(damage(entries()[0].read_bytes()))
        report.claim("cache: a damaged entry", compile() == (first[0], kernels - 1) and compile() == second, "made again, it alone")
    other = bench.folder / "ptxas"
    other.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo another\nexec {find_ptxas()} "$@"\n')
    other.chmod(0o755)
    report.claim("cache: another assembler", compile(f"--ptxas={other}") == first and len(entries()) == 2 * kernels, "assembled again")
    with open(folder / "old.cubin", "wb") as old:
        old.truncate(300 << 20)
    os.utime(folder / "old.cubin", (0, 0))
    both = compile(target="sm_80,sm_90a")
    report.claim("cache: one of two targets", both[1] == kernels, f"{both[1]} kernels")
    other_target = len(json.loads(bench.run("inspect", bench.compile(bench.dense, "--weights=none", "--target=sm_80"), "--json")[1])["gpus"][0]["kernels"])
    report.claim("cache: its size", len(entries()) == 2 * kernels + other_target and not (folder / "old.cubin").exists(), "the entry that was not used for longest is gone")
    file = bench.dense / "config.json"
    refused(report, "cache: not a folder", bench.run("compile", bench.dense, "-q", "--target=sm_90a", f"--cache={file}"), "is no folder")
    out = bench.braid.fresh(".braid")
    code, *_ = bench.run("compile", bench.dense, "--weights=none", "--target=sm_90a", "-o", out, environment={"XDG_CACHE_HOME": str(file)})
    report.claim("cache: the usual place is no folder", code == 0 and out.read_bytes() == first[0], "same bytes")
    jobs = [compile("--cache=none", f"-j{n}", target="sm_80,sm_90a")[0] for n in (1, 7)]
    report.claim("same GPU code with 1 and 7 jobs", jobs[0] == jobs[1], "sm_80, sm_90a")
    refused(report, "cache: no GPU code", bench.run("compile", bench.dense, "--cache=none", "--target=cpu"), "--cache: there is no GPU code")


def check_spills(report, bench):
    """A kernel that spills for its schedule's number of blocks is assembled without
    it, and only that one; the assembler that says so is a script."""
    script = bench.folder / "spills"
    script.write_text("""#!/bin/sh
kernel=$(sed -n 's/^.visible .entry \\([a-z0-9_]*\\)(.*/\\1/p' "$3")
[ "$kernel" = step_norm_f ] && grep -q minnctapersm "$3" && spills=8 || spills=0
echo code > "$5"
echo "ptxas info    : Compiling entry function '$kernel' for 'sm_90a'"
echo "    0 bytes stack frame, $spills bytes spill stores, 0 bytes spill loads"
""")
    script.chmod(0o755)
    artefact = bench.compile(bench.dense, "--weights=none", "--target=sm_90a", f"--ptxas={script}", "--cache=none")
    offset, size = sections(artefact.read_bytes())[".braid.gpu.sm_90a.ptx"]
    heads = dict(re.findall(r"\.entry (\w+)\((.*?)\{", artefact.read_bytes()[offset:offset + size].decode(), re.DOTALL))
    free = [name for name, head in heads.items() if ".minnctapersm" not in head]
    report.claim("a kernel that spills for its number of blocks", free == ["step_norm_f"] and len(heads) > 20, f"{free} of {len(heads)}")


def check_plan_time(report, bench):
    """Launches are those of the artefact's host code, as the simulator is given them."""
    plan = lambda *options: json.loads(bench.run("plan", bench.dense, "--json", "--target=sm_90a", "--machine=h200", *options)[1])["steps"]
    decode, prefill = plan("--batch=3", "--prompt=100")
    artefact = bench.compile(bench.dense, "--weights=none", "--target=sm_90a")
    described = json.loads(bench.run("inspect", artefact, "--manifest")[1])
    known = {kernel["name"]: kernel for kernel in described["kernels"]}
    calls = {kernel["name"]: known[kernel["name"]]["calls"] for kernel in decode["kernels"]}
    report.claim("plan: launches", all(kernel["launches"] >= calls[kernel["name"]] > 0 and kernel["launches"] % calls[kernel["name"]] == 0 for kernel in decode["kernels"]), f"{decode['launches']} of {sum(calls.values())} calls")
    report.claim("plan: shapes", (decode["rows"], decode["sequences"], prefill["rows"], prefill["sequences"]) == (3, 3, 100, 1), "as asked")
    code, _, errors = bench.run("plan", bench.dense, "--target=sm_80,sm_90a", "--machine=h200")
    report.claim("plan: two targets", code == 2 and "--target=sm_80,sm_90a: expected one GPU" in errors, errors.splitlines()[0])
    text = bench.run("plan", bench.dense, "--target=h200")[1]
    report.claim("plan: a card as target", "on h200 (sm_90a); predicted" in text and "more memory" not in text, "h200 is sm_90a")
    text = bench.run("plan", FIXTURES.parent / "configs" / "nano.json", "--target=rtx5090", "--machine=rtx5090")[1]
    report.claim("plan: times of a model that does not fit say so", "more memory" in text, text.strip().splitlines()[-1])
    sums = [abs(step["seconds"] - sum(kernel["seconds"] for kernel in step["kernels"])) < 1e-12 for step in (decode, prefill)]
    report.claim("plan: a step's time", all(sums) and all(step["seconds"] > step["seconds_at_best"] > 0 for step in (decode, prefill)), "the sum of its kernels, more than at best")
    units = {kernel["name"] for kernel in prefill["kernels"] if kernel["unit"]}
    report.claim("plan: products of a prompt are on tensor cores", any("in_proj" in name for name in units), f"{len(units)} kernels")
    longer = plan("--batch=3", "--context=4000")[0]
    more = [kernel["name"] for kernel, other in zip(*(sorted(step["kernels"], key=lambda k: k["name"]) for step in (longer, plan("--batch=3", "--context=2000")[0]))) if kernel["bytes"] != other["bytes"]]
    report.claim("plan: bytes grow with the context", more and all(known[name]["context_bytes"] > 0 for name in more), ", ".join(more))


def check_tokenize(report, bench):
    for source in sorted((bench.fixtures / "tokenizers").glob("*.cases.json")):
        cases, file = json.loads(source.read_text()), source.with_name(source.name.replace(".cases", ""))
        texts = json.dumps([case["text"] for case in cases])
        for option, key in (("--parse-special", "ids"), ("--special", "with_special")):
            _, out, _ = bench.run("tokenize", file, "--json", option, text=texts)
            report.claim(f"tokenize {file.stem} {option}", json.loads(out) == [case[key] for case in cases], f"{len(cases)} texts")
        ids = json.dumps([case["ids"] for case in cases])
        _, out, _ = bench.run("tokenize", file, "--json", "--decode", "--special", text=ids)
        report.claim(f"tokenize {file.stem} --decode", json.loads(out) == [case["decoded"] for case in cases], f"{len(cases)} lists")
    story = bench.fixtures / "storyteller"
    artefact = bench.compile(story, "--weights=none")
    texts = json.dumps(["Once upon a time", "Grüße, 🦊!\n", "<s> a </s>"])
    answers = [json.loads(bench.run("tokenize", place, "--json", text=texts)[1]) for place in (story, story / "tokenizer.json", artefact)]
    report.claim("tokenize: folder, file and artefact agree", answers[0] == answers[1] == answers[2] and all(answers[0]), str(answers[0][0]))
    _, out, _ = bench.run("tokenize", artefact, "Once upon a time")
    rows = [line.split("  ", 1) for line in out.strip().splitlines()]
    lines = [line.strip().split("  ") for line in out.splitlines()]
    report.claim("tokenize: readable", "".join(json.loads(line[1]) for line in lines) == "Once upon a time" and [int(line[0]) for line in lines] == answers[0][0], f"{len(rows)} lines")
    _, out, _ = bench.run("tokenize", artefact, "--decode", *answers[0][0])
    report.claim("tokenize --decode", out == "Once upon a time\n", repr(out))
    refused(report, "tokenize --decode: not an id", bench.run("tokenize", artefact, "--decode", "12x"), "12x")
    refused(report, "tokenize --decode: out of range", bench.run("tokenize", artefact, "--decode", "1000000"), "1000000")
    refused(report, "tokenize --json: not an array", bench.run("tokenize", artefact, "--json", text='{"a": 1}'), "array")
    refused(report, "tokenize --json: not a text", bench.run("tokenize", artefact, "--json", text="[1]"), "string")
    bare = bench.folder / "bare"
    shutil.copytree(bench.fixture, bare)
    (bare / "tokenizer.json").unlink(missing_ok=True)
    refused(report, "tokenize: no tokenizer", bench.run("tokenize", bench.compile(bare, "--weights=none"), "a"), "no tokenizer")


def check_verify(report, bench):
    for precision in ("f32", "bf16"):
        artefact = bench.compile(bench.fixture, f"--precision={precision}")
        for threads in (1, 2):
            code, out, errors = bench.run("verify", artefact, f"--threads={threads}")
            report.claim(f"verify {precision}, {threads} threads", code == 0 and out.count(" ok ") == 5, errors or out.splitlines()[-1])
        weights = Path(f"{artefact}.weights")
        original = weights.read_bytes()
        changed(weights, len(original) // 2, weights)
        refused(report, f"verify {precision}: a byte of the weights changed", bench.run("verify", artefact), "hash")
        elsewhere = bench.folder / f"elsewhere-{precision}"
        elsewhere.mkdir()
        weights.unlink()
        refused(report, f"verify {precision}: no weights", bench.run("verify", artefact), "weights")
        (elsewhere / weights.name).write_bytes(original)
        report.claim(f"verify {precision} --weights-dir", bench.run("verify", artefact, f"--weights-dir={elsewhere}")[0] == 0, str(elsewhere.name))
    stranger = bench.compile(bench.fixtures / "dense", "--precision=bf16")
    for what, other in ("precision", bench.compile(bench.fixture, "--precision=f32")), ("layers", stranger):
        refused(report, f"verify --golden: of another {what}", bench.run("verify", artefact, f"--golden={other}"), f"expected {what} ")
    code, out, _ = bench.run("verify", bench.compile(bench.fixture, "--weights=none"))
    unchecked = [line for line in out.splitlines() if re.match(r"(weights|golden) +- +not checked: ", line)]
    report.claim("verify without weights says so", code == 0 and len(unchecked) == 2 and out.count(" ok ") == 1, out.splitlines()[-1])


def check_verify_linked(report, bench):
    """Only the headers of a linked checkpoint have a hash: its data is judged by
    the logits, and the message says that it may be the data."""
    checkpoint = bench.folder / "checkpoint"
    shutil.copytree(bench.fixture, checkpoint)
    linked = bench.compile(checkpoint, "--weights=link", "--precision=f32")
    code, out, errors = bench.run("verify", linked)
    report.claim("verify, linked weights", code == 0 and "single   ok" in out and "its data has none" in out, errors or out.splitlines()[-1])
    tensors = checkpoint / "model.safetensors"
    data = tensors.read_bytes()
    header = 8 + struct.unpack_from("<Q", data)[0]
    begin, end = (header + offset for offset in json.loads(data[8:header])["lm_head.weight"]["data_offsets"])
    middle = (begin + end) // 2
    tensors.write_bytes(data[:begin] + data[middle:end] + data[begin:middle] + data[end:])
    refused(report, "verify, linked weights with other data", bench.run("verify", linked), "kernels or the data in ")
    tensors.write_bytes(data.replace(b"norm.weight", b"norm.weighs", 1))
    refused(report, "verify, linked weights with other headers", bench.run("verify", linked, "--golden", linked), "is not the checkpoint")
    bare = bench.compile(bench.fixture, "--weights=link", "--golden=none")
    (bare.parent / "elsewhere").mkdir()
    refused(report, "verify, linked weights that are gone", bench.run("verify", shutil.copy(bare, bare.parent / "elsewhere")), "weights")


def check_wrong_kernels(report, bench, precision):
    """The reference in a dump of the device phase stays as it is while the code
    beside it is edited."""
    good = bench.compile(bench.fixture, f"--precision={precision}")
    dump = bench.dump("device", f"--precision={precision}")
    code, marker, reference = dump.read_text().partition("module @reference")
    planted = 0
    for name, old, new, shown in WRONG_KERNELS:
        if old not in code or precision not in shown.split():
            continue
        planted += 1
        edited = bench.braid.fresh(".mlir")
        edited.write_text(code.replace(old, new) + marker + reference)
        answer = bench.run("compile", edited, "-o", bench.folder / "wrong.braid", "-q")
        refused(report, f"compile {precision}: {name}", answer, "does not agree with the reference")
        wrong = bench.compile(edited, "--golden=none")
        refused(report, f"verify {precision} --golden: {name}", bench.run("verify", wrong, f"--golden={good}"), "reference schedule")
    report.claim(f"wrong kernels {precision}", planted >= 3 and not (bench.folder / "wrong.braid").exists(), f"{planted} planted, no artefact left")


def check_wrong_constant(report, bench):
    """A constant of a sealed artefact changed, and sealed again."""
    artefact = bench.compile(bench.fixture, "--precision=f32")
    data = bytearray(artefact.read_bytes())
    offset, size = sections(data)[".rodata"]
    at = data.find(struct.pack("<f", 9.99999974e-6), offset, offset + size)
    report.claim("the norm's epsilon is in the constants", at >= 0, f"offset {at}")
    data[at:at + 4] = struct.pack("<f", 9.99999974e-5)
    seal(data)
    wrong = bench.folder / "constant.braid"
    wrong.write_bytes(data)
    shutil.copy(f"{artefact}.weights", f"{wrong}.weights")
    refused(report, "verify: a changed constant under a good seal", bench.run("verify", wrong), "reference schedule")


def same_files(one, other, weights=True):
    pairs = [(one, other)] + ([(f"{one}.weights", f"{other}.weights")] if weights else [])
    return all(Path(a).read_bytes() == Path(b).read_bytes() for a, b in pairs)


def check_resume(report, bench):
    for options in (["--precision=f32"], ["--precision=bf16", "--target=cpu"], ["--precision=f32", "--weights=none"], GPU):
        weights, fixture = "--weights=none" not in options, bench.coded if options is GPU else bench.fixture
        late = [option for option in options if option.startswith("--weights")]
        early = [option for option in options if not option.startswith("--weights")]
        direct = bench.compile(fixture, *options)
        for phase in ("model", "kernel", "device"):
            dump = bench.dump(phase, *early, fixture=fixture)
            target = [option for option in early if "target" in option or "sim" in option] if phase == "model" else []
            resumed = bench.compile(dump, *late, *target)
            report.claim(f"resume from {phase} {' '.join(options)}", same_files(direct, resumed, weights), f"{direct.stat().st_size} bytes")
    dump = bench.dump("device", *GPU, fixture=bench.dense)
    text, erased = re.subn(r"^ *nvvm\.barrier0( loc\(.*\))?\n", "", dump.read_text(), flags=re.MULTILINE)
    dump.write_text(text)
    answer = bench.run("run", bench.compile(dump), "-q", "--device=sim", "--ids=1,2,3", "-n", "1")
    refused(report, f"resume from device: the simulator executes the edited GPU code, {erased} barriers fewer", answer, "simulated kernel ")
    linked, dump = bench.compile(bench.fixture, "--weights=link"), bench.dump("kernel")
    report.claim("resume from kernel --weights=link", same_files(linked, bench.compile(dump, "--weights=link"), False), "same bytes")
    chain = bench.braid.fresh(".mlir")
    bench.braid.call("compile", bench.dump("model"), "--stop-after=kernel", "-o", chain, "-q")
    report.claim("a dump of a dump", chain.read_bytes() == dump.read_bytes(), f"{len(chain.read_bytes())} bytes")
    lost = bench.folder / "lost"
    lost.mkdir()
    moved = Path(shutil.move(str(dump), lost / "moved.mlir"))
    moved.write_text(re.sub(r'braid.source = "[^"]*"', 'braid.source = "nowhere"', moved.read_text()))
    refused(report, "resume: the checkpoint is gone", bench.run("compile", moved, "-o", "gone.braid"), "--weights-from")
    report.claim("resume --weights-from", same_files(bench.compile(bench.fixture), bench.compile(moved, f"--weights-from={bench.fixture}")), "same bytes")
    for option in ("--precision=f32", "--target=cpu", "--schedule=reference", "--stop-after=model"):
        if option != "--target=cpu" or "x86-64-v3" not in moved.read_text():
            refused(report, f"resume from kernel {option}", bench.run("compile", moved, option, f"--weights-from={bench.fixture}"), option)


def check_same_bytes(report, bench):
    copies = []
    for name in ("here", "there/and/deeper"):
        place = bench.folder / name
        shutil.copytree(bench.fixture, place / "model")
        shutil.copytree(bench.coded, place / "coded")
        for mode, *options in ("pack",), ("link",), ("none", *GPU):
            bench.braid.call("compile", place / ("coded" if options else "model"), "-o", place / f"{mode}.braid", f"--weights={mode}", "-q", *options)
        copies.append(place)
    report.claim("same bytes in another folder", same_files(*(place / "pack.braid" for place in copies)), "packed")
    report.claim("same bytes in another folder, linked", same_files(*(place / "link.braid" for place in copies), weights=False), "relative to the artefact")
    report.claim("same bytes in another folder, GPU code", same_files(*(place / "none.braid" for place in copies), weights=False), " ".join(GPU))
    report.claim("same bytes twice", same_files(copies[0] / "pack.braid", bench.compile(copies[0] / "model")), "packed")
    jobs = [bench.compile(copies[0] / "model", *option) for option in (["-j1"], ["-j", "2"], ["--jobs=7"])]
    report.claim("same bytes with 1, 2 and 7 jobs", all(same_files(copies[0] / "pack.braid", other) for other in jobs), "packed")
    moved = bench.folder / "moved"
    shutil.move(str(copies[1]), moved)
    report.claim("linked weights move along", bench.run("verify", moved / "link.braid")[0] == 0, "artefact and checkpoint moved together")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid", required=True, help="the braid command")
    parser.add_argument("--fixtures", type=Path, default=FIXTURES)
    parser.add_argument("--only", help="regular expression: parts by name")
    options = parser.parse_args()
    options.fixtures = options.fixtures.resolve()
    report = Report()
    parts = {
        "version": check_version, "arguments": check_arguments, "inspect": check_inspect, "inspect-gpu": check_inspect_gpu, "code-cache": check_code_cache, "plan-time": check_plan_time, "spills": check_spills, "tokenize": check_tokenize, "verify": check_verify,
        "linked-verify": check_verify_linked,
        "wrong-kernels-f32": lambda *both: check_wrong_kernels(*both, "f32"),
        "wrong-kernels-bf16": lambda *both: check_wrong_kernels(*both, "bf16"),
        "wrong-constant": check_wrong_constant, "resume": check_resume, "same-bytes": check_same_bytes,
    }
    for name, check in parts.items():
        if options.only and not re.search(options.only, name):
            continue
        with tempfile.TemporaryDirectory(prefix="braid-tools-") as scratch:
            try:
                check(report, Bench(options, scratch))
            except (CommandFailed, OSError, KeyError, ValueError, IndexError) as failure:
                report.claim(name, False, f"{type(failure).__name__}: {failure}")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
