#!/usr/bin/python3
#===- bad_input.py - what bad input gets ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Gives `braid compile` and `braid run` bad input and checks the answer: exit
code 1, exactly one `error:` line that names what is at fault (note: and hint:
lines may follow), nothing of the compiler's IR, no crash, no output left behind.
"""
import argparse
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bad_checkpoints import CASES, FILE, edit_config
from harness import FIXTURES, ROOT, Braid, CommandFailed, Report, with_manifest

ERROR = re.compile(r"^(braid(-run)?: )?error: (?P<message>.*)$")
ASIDE = re.compile(r"^(braid(-run)?: )?(note|hint|warning): |^\[?\d+[/.\])]")   # or a numbered step
IR = re.compile(r"^module|func\.func|\bbraid\.\w+\(|%\w+ = |#llvm|\bllvm\.func|see current operation|loc\(")
CRASH = re.compile(r"Assertion|Sanitizer|runtime error:|terminate called|PLEASE submit|Stack dump|LLVM ERROR|core dumped|what\(\)|nlohmann")
LONGEST = 600       # characters of one clear line
SECONDS = 60


def judge(code, stdout, stderr, mention):
    """What is wrong with an answer to bad input, a list of complaints."""
    complaints = []
    if code != 1:
        complaints.append("hung" if code is None else f"killed by signal {-code}" if code < 0 else f"exit code {code}, not 1")
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [found["message"] for found in map(ERROR.match, lines) if found]
    if len(errors) != 1:
        complaints.append(f"{len(errors)} error lines, not 1")
    other = [line for line in lines if not ERROR.match(line) and not ASIDE.match(line)]
    if other:
        complaints.append(f"stray line {other[0][:100]!r}")
    for message in errors[:1]:
        if not re.search(mention, message):
            complaints.append(f"does not mention {mention}: {message[:200]!r}")
        if ".partial" in message:
            complaints.append(f"names a temporary file: {message[:200]!r}")
        if message.endswith(".") or len(message) > LONGEST:
            complaints.append(f"not one clear line: {message[:200]!r}")
    for name, pattern in (("IR", IR), ("a crash", CRASH)):
        if any(pattern.search(line) for line in [*lines, *stdout.splitlines()]):
            complaints.append(f"output has signs of {name}")
    return complaints


def limit_file_size(size):
    """A full disk, for the child: no file may grow beyond `size` bytes."""
    def apply():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return apply


class Bench:
    """A folder with a good checkpoint, a good artefact, and an empty `out`."""

    def __init__(self, options, scratch, report):
        self.braid, self.report, self.scratch = Path(options.braid).resolve(), report, Path(scratch)
        self.out = self.scratch / "out"
        self.random = random.Random(options.seed)
        self.only = re.compile(options.only or "")

    def attempt(self, name, mention, arguments, prepare=None):
        """Runs one bad command and reports the complaints."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()
        try:
            done = subprocess.run([self.braid, *map(str, arguments)], capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL,
                                  preexec_fn=prepare, restore_signals=prepare is None)
            code, texts = done.returncode, (done.stdout, done.stderr)
        except subprocess.TimeoutExpired as late:
            code, texts = None, (late.stdout or b"", late.stderr or b"")
        complaints = judge(code, *(text.decode(errors="replace") for text in texts), mention)
        left = sorted(path.name for path in self.out.iterdir())
        if left:
            complaints.append(f"left behind {', '.join(left)}")
        self.report.claim(name, not complaints, "; ".join(complaints) or "refused")

    def wanted(self, name):
        return self.only.search(name)

    def checkpoint(self):
        """A fresh copy of the good checkpoint."""
        folder = self.scratch / "checkpoint"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(FIXTURES / "latent-moe", folder, ignore=shutil.ignore_patterns("reference.*", "expected.*"))
        return folder

    def artefact(self, folder="good", change=None):
        """Compiles a good artefact into `folder`; change(checkpoint) first."""
        checkpoint = self.checkpoint()
        if change:
            change(checkpoint)
        place = self.scratch / folder
        place.mkdir()
        Braid(self.braid, self.scratch).call("compile", checkpoint, "-o", place / "model.braid", "--precision=f32")
        return place


def bad_checkpoints(bench):
    for name, mention, break_it in CASES:
        if bench.wanted(name):
            folder = bench.checkpoint()
            break_it(folder)
            bench.attempt(name, mention, ["compile", folder, "-o", bench.out / "model.braid"])


def bad_outputs(bench):
    folder = bench.checkpoint()
    for name, file in ("a shard", folder / FILE), ("nothing there", bench.scratch / "nowhere"):
        bench.attempt(f"compile: {name}", f"{file.name}: expected a checkpoint's folder or its config.json", ["compile", file, "-o", bench.out / "model.braid"])
    for name, target in (("in a folder that does not exist", "nowhere/model.braid"), ("below a file", "config.json/model.braid")):
        path = folder / target
        bench.attempt(f"output {name}", re.escape(path.name) + "|" + re.escape(path.parent.name), ["compile", folder, "-o", path])
    bench.attempt("output is a folder", "checkpoint", ["compile", folder, "-o", folder])
    bench.attempt("output where nobody can write", "model.braid", ["compile", folder, "-o", "/proc/model.braid"])
    bench.attempt("dump where nobody can write", "dump.mlir", ["compile", folder, "--stop-after=model", "-o", "/proc/dump.mlir"])
    bench.attempt("dump on a full disk", "dump.mlir", ["compile", folder, "--stop-after=kernel", "-o", bench.out / "dump.mlir"], limit_file_size(4096))
    for name, text in {"empty": "", "not IR": "hello", "without a phase": "module {}", "with an unknown op": '"braid.magic"() : () -> ()', "cut": "module attributes {braid.phase = \"model\"} {"}.items():
        dump = folder / "dump.mlir"
        dump.write_text(text)
        bench.attempt(f"dump {name}", "dump.mlir", ["compile", dump, "-o", bench.out / "model.braid"])
    os.mkfifo(folder / "pipe")
    bench.attempt("output is a FIFO", "pipe", ["compile", folder, "-o", folder / "pipe"])
    for size in (0, 4096, 65536):
        bench.attempt(f"disk full after {size} bytes", "model.braid", ["compile", folder, "-o", bench.out / "model.braid"], limit_file_size(size))
    whole = bench.scratch / "whole.braid"
    subprocess.run([bench.braid, "compile", folder, "-o", whole, "--weights=none", "-q"], check=True)
    bench.attempt("disk full at the end of the linker's output", "model.braid: cannot be linked: File size limit exceeded|model.braid: cannot be written",
                  ["compile", folder, "-o", bench.out / "model.braid", "--weights=none"], limit_file_size(whole.stat().st_size - 1))


# phase: {what the error mentions: (pattern, replacement) of an edit}, the first match only
EDITED_DUMPS = {
    "kernel": {
        "schedule_c3": (r"lanes = \d+", "lanes = 64"),
        "(norm|mixer.*): .*dot = bf16": (r'lanes = \d+, rows = (\d+), dot = "fma"', r'lanes = 16, rows = \1, dot = "bf16"'),
    },
    "device": {
        **{f"'braid.{name}'": (rf"braid\.{name} = {value}, ", "") for name, value in {
            "arena": r"array<[^>]*>", "precision": r'"\w+"', "state_plan": r"(?:#[\w.]+<.*?>\]>|#\w+)"}.items()},
        "'braid.thread_scratch'": (r", braid\.thread_scratch = \d+ : i64", ""),
        "'braid.arena' has 1": (r"(braid\.arena = array<i64: \d+), \d+>", r"\1>"),
        "'braid.metadata' is missing": (r'braid\.metadata = "(?:[^"\\]|\\.)*", ', ""),
        "'braid.metadata' is not JSON": (r'braid\.metadata = "', 'braid.metadata = "}'),
        "no 'table'": (r" table \d+", ""),
        "'braid.work'": (r"braid\.work = \{", "braid.work = {aaa = 1.0 : f32, "),
    },
}


def edited_dumps(bench):
    """A dump is text, and somebody may have cut what a later step needs."""
    folder = bench.checkpoint()
    for phase, edits in EDITED_DUMPS.items():
        dump = folder / f"{phase}.mlir"
        Braid(bench.braid, bench.scratch).call("compile", folder, "--precision=f32", f"--stop-after={phase}", "-o", dump)
        for mention, (pattern, replacement) in edits.items():
            edited, count = re.subn(pattern, replacement, dump.read_text(), count=1)
            (folder / "edited.mlir").write_text(edited)
            bench.report.claim(f"dump edited for {mention}", count == 1, "one place")
            bench.attempt(f"dump of the phase {phase}, edited: {mention}", mention,
                          ["compile", folder / "edited.mlir", "-o", bench.out / "model.braid"])


def bad_artefacts(bench, good):
    """Every changed or cut byte of an artefact is refused."""
    blob = (good / "model.braid").read_bytes()
    place = bench.scratch / "broken"
    shutil.copytree(good, place)
    bad = {f"byte {at} changed": blob[:at] + bytes([blob[at] ^ (1 << bench.random.randrange(8))]) + blob[at + 1 :]
           for at in [0, 5, 16, 40, len(blob) - 1, *(bench.random.randrange(len(blob)) for _ in range(24))]}
    bad.update({f"cut to {size} bytes": blob[:size] for size in [0, 1, 63, 64, len(blob) - 1, *(bench.random.randrange(len(blob)) for _ in range(8))]})
    bad.update({"with bytes after its end": blob + b"\0", "a text": b"not an artefact\n" * 100})
    for name, content in bad.items():
        (place / "model.braid").write_bytes(content)
        bench.attempt(f"artefact {name}", "model.braid", ["run", place / "model.braid", "-q", "--ids", "1", "-n", "1"])


def odd_files(bench, good):
    """A FIFO, a device or a folder in place of an artefact or its weights."""
    place = bench.scratch / "odd"
    shutil.copytree(good, place)
    for name, mention in ("model.braid.weights", "weights"), ("model.braid", "model.braid"):
        path = place / name
        for kind, make in ("a FIFO", os.mkfifo), ("a folder", os.mkdir), ("a device", lambda path: path.symlink_to("/dev/zero")):
            path.unlink()
            make(path)
            bench.attempt(f"{kind} as {name}", mention, ["run", place / "model.braid", "-q", "--ids", "1", "-n", "1"])
            path.rmdir() if path.is_dir() else path.unlink()
            path.write_bytes(b"")
        shutil.copy(good / name, path)


def bad_sessions(bench, good):
    """A saved session, cut or changed, or of another artefact."""
    model, saved, broken = good / "model.braid", bench.scratch / "saved", bench.scratch / "broken-session"
    Braid(bench.braid, bench.scratch).call("run", model, "-q", "--ids=1,2,3", "-n", "2", "--save-session", saved)
    blob = saved.read_bytes()
    bad = {f"byte {at} changed": blob[:at] + bytes([blob[at] ^ 4]) + blob[at + 1 :] for at in (0, 9, 41, 49, 57, 70, len(blob) // 2, len(blob) - 1)}
    bad.update({f"cut to {size} bytes": blob[:size] for size in (0, 8, 63, 64, len(blob) // 2, len(blob) - 1)})
    bad.update({"with more bytes": blob + b"\0", "of 2^62 tokens": blob[:40] + (2**62).to_bytes(8, "little") + blob[48:]})
    for name, content in bad.items():
        broken.write_bytes(content)
        bench.attempt(f"session {name}", "broken-session", ["run", model, "-q", "-n", "1", "--load-session", broken])


def bad_prompts(bench, good):
    prompts = bench.scratch / "prompts.jsonl"
    for name, text in {"not JSON": "hello", "an array": "[1]", "ids past the vocabulary": '{"ids": [1, 320]}', "ids negative": '{"ids": [-1]}', "none at all": "", "with an unknown key": '{"ids": [1], "max_tokens": 4}', "ids of 2^40": '{"ids": [1099511627776]}',
                       "ids fractional": '{"ids": [1.5]}', "ids as text": '{"ids": "1"}', "both kinds": '{"ids": [1], "prompt": "a"}', "neither": "{}", "no ids": '{"ids": []}',
                       "nested 100000 deep": "[" * 100000, "duplicate keys": '{"ids": [1], "ids": [2]}', "not UTF-8": '{"ids": [1], "id": "\udcff"}'}.items():
        prompts.write_bytes(text.encode(errors="surrogateescape") + b"\n")
        bench.attempt(f"prompts {name}", "prompt", ["run", good / "model.braid", "-q", "-n", "1", "--prompts-file", prompts])


def bad_weights(bench, good):
    """Weights that do not belong to the artefact."""
    def other(checkpoint):
        blob = bytearray((checkpoint / FILE).read_bytes())
        blob[-200] ^= 1
        (checkpoint / FILE).write_bytes(blob)
    stranger = bench.artefact("stranger", other)
    weights = (good / "model.braid.weights").read_bytes()
    place = bench.scratch / "pair"
    shutil.copytree(good, place)
    for name, content in {"of another model": (stranger / "model.braid.weights").read_bytes(), "cut by a byte": weights[:-1], "empty": b"", "longer": weights + b"\0",
                          "with a changed header": weights[:20] + bytes([weights[20] ^ 1]) + weights[21:], "missing": None}.items():
        (place / "model.braid.weights").unlink(missing_ok=True)
        if content is not None:
            (place / "model.braid.weights").write_bytes(content)
        bench.attempt(f"weights {name}", "weights", ["run", place / "model.braid", "-q", "--ids", "1", "-n", "1"])


def bad_requests(bench, good):
    model, ids, pipe = good / "model.braid", ",".join(["7"] * 17), bench.scratch / "pipe"
    os.mkfifo(pipe)
    binary = bench.scratch / "binary"
    binary.write_bytes(bytes(range(128, 256)) * 4)
    for name, mention, options in [
        ("ids file of bytes", r"binary: expected token ids, found '[?]{20}\.\.\.'", ["--ids-file", binary]), ("ids that are words", "expected token ids, found 'one'", ["--ids=one"]),
        ("id one past the vocabulary", "320", ["--ids=320"]), ("id negative", r"(?<![\w-])-1\b", ["--ids=5,-1"]), ("id of 20 digits", "99999999999999999999", ["--ids=99999999999999999999"]),
        ("context longer than the model's", "context", ["--ids=1", "--context=4097"]), ("prompt longer than the context", "context", [f"--ids={ids}", "--context=16"]), ("ids file missing", "nowhere", ["--ids-file", bench.scratch / "nowhere"]),
        ("session missing", "nowhere", ["--load-session", bench.scratch / "nowhere"]), ("session not a session", "config.json", ["--load-session", FIXTURES / "latent-moe" / "config.json"]),
        ("prompt without a tokenizer", "tokenizer", ["--prompt", "text"]), ("logits into a FIFO", "pipe", ["--ids=1", "--logits", pipe]), *((f"{what} into a folder that does not exist", "nowhere", ["--ids=1", f"--{what}", bench.scratch / "nowhere" / "x"]) for what in ("logits", "hidden", "save-session")),
    ]:
        bench.attempt(f"run: {name}", mention, ["run", model, "-q", "-n", "1", *options])
    bench.attempt("run: no such artefact", "nowhere", ["run", bench.scratch / "nowhere", "-q", "--ids", "1"])
    bench.attempt("run: a folder", "good", ["run", good, "-q", "--ids", "1"])


# What an assembler may do wrong: a shell script, and what the error mentions.
# The last two assemble, and report of one kernel what they like.
REPORT = ("grep -q 'entry step_norm_f(' \"$3\" && stack={stack} spills={spills} || stack=0 spills=0; echo code > \"$5\"; "
          "echo 'ptxas info    : Compiling entry function'; echo \"    $stack bytes stack frame, $spills bytes spill stores, 0 bytes spill loads\"")
ASSEMBLERS = {
    "fails": (r"ptxas \w+\.ptx, line 3; error   : Unknown instruction$", "echo 'info: about to fail'; echo \"ptxas $3, line 3; error   : Unknown instruction\"; exit 255"),
    "fails silently": ("ended with exit code 3", "exit 3"), "writes nothing": ("wrote no machine code", "exit 0"), "crashes": (r"ptxas: \w+ for sm_90a", "kill -SEGV $$"),
    "spills registers": (r"kernel step_norm_f for sm_90a: 24 bytes of registers", REPORT.format(stack=0, spills=24)),
    "uses local memory": (r"and 48 bytes are in local memory", REPORT.format(stack=48, spills=0)),
}


def bad_gpu_options(bench):
    """GPU targets that do not exist, contradict each other, or lack a tool."""
    folder, out = bench.checkpoint(), ["-o", bench.out / "model.braid"]
    for name, mention, options in [
        ("that Braid has no code for", r"sm_80, .*'sm_70'", ["--target=sm_70"]), ("that needs a suffix", r"sm_90a.*'sm_90'", ["--target=sm_90"]),
        ("twice", "sm_90a is named twice", ["--target=sm_90a,h200"]), ("and two CPU levels", "one CPU level, found 'cpu' and 'native'", ["--target=cpu,sm_90a,native"]),
        ("but an empty one", "found ''", ["--target=sm_90a,"]), ("none, with --with-sim", "--with-sim: there is no GPU code", ["--target=cpu", "--with-sim"]),
        ("none, with --ptxas", "--ptxas: there is no GPU code", ["--target=cpu", "--ptxas=/bin/true"]), ("and no assembler there", "nowhere' cannot be run", ["--target=sm_90a", "--ptxas=nowhere"]),
        ("and a folder as assembler", "cannot be run", ["--target=sm_90a", f"--ptxas={folder}"]),
    ]:
        bench.attempt(f"GPU target {name}", mention, ["compile", folder, *out, *options])
    script = bench.scratch / "ptxas"
    for name, (mention, text) in ASSEMBLERS.items():
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)
        bench.attempt(f"the assembler {name}", mention, ["compile", folder, *out, "--target=sm_90a", f"--ptxas={script}", "--cache=none"])
    bench.attempt("no room for PTX", r"PTX of \w+: cannot be written: File too large", ["compile", folder, *out, "--target=sm_90a", "--cache=none"], limit_file_size(1024))
    dump = folder / "device.mlir"
    Braid(bench.braid, bench.scratch).call("compile", folder, "--target=sm_90a", "--stop-after=device", "-o", dump)
    text = dump.read_text()
    host, device = text.split("gpu.module @sm_90a", 1)
    module, kernel, body = re.split(r"(llvm\.func @step_norm_f\(.*\{\n)", device, maxsplit=1)
    opened, rest = module.split("\n", 1)
    dump.write_text(f"{host}gpu.module @sm_90a{opened}\n llvm.func @expf(f32) -> f32\n{rest}{kernel}"
                    f" %one_ = llvm.mlir.constant(1.0 : f32) : f32\n %e_ = llvm.call @expf(%one_) : (f32) -> f32\n{body}")
    bench.attempt("a device dump that calls a library", r"generated PTX of step_norm_f needs '.extern .func.* expf", ["compile", dump, *out])
    dump.write_text(text.replace('"sm_90a"]', '"sm_70"]', 1))
    bench.attempt("a dump for a GPU that Braid has no code for", r"device.mlir: the attribute '[\w.]+': expected one GPU of sm_80", ["compile", dump, *out])


def bad_devices(bench, good):
    """Devices that an artefact has no code for, and GPU parts of a sealed
    manifest that are not true."""
    run = lambda artefact, device: ["run", artefact, "-q", "--ids=1", "-n", "1", f"--device={device}"]
    bench.attempt("device sim without GPU code", "has no code for a GPU", run(good / "model.braid", "sim"))
    bench.attempt("device cuda without a driver", "there is no NVIDIA driver", run(good / "model.braid", "cuda"))
    place = bench.scratch / "gpu"
    place.mkdir()
    braid, model = Braid(bench.braid, bench.scratch), place / "model.braid"
    compile = lambda *options: braid.call("compile", bench.checkpoint(), "-o", model, "--precision=f32", "--golden=none", *options)
    compile("--target=cpu,sm_90a")
    bench.attempt("device sim without --with-sim", "cannot be simulated", run(model, "sim"))
    compile("--target=cpu,sm_90a", "--with-sim")
    braid.call(*run(model, "sim"))     # what is not broken runs
    bench.attempt("device sim of another target", "no code for 'sm_80', only for sm_90a", run(model, "sim:sm_80"))
    blob = model.read_bytes()
    for name, mention, old, new in [
        ("a block of 2000 threads", "from 1 to 1024", rb'"threads": \d+', b'"threads": 2000'), ("a block without threads", "from 1 to 1024", rb'"threads": \d+', b'"threads": 0'),
        ("4 GB of shared memory", "from 0 to 262144", rb'"shared_bytes": \d+', b'"shared_bytes": 4000000000'),
        ("a kernel nobody has", "integer from 0", rb'"kernel": \d+', b'"kernel": 99999'), ("another function for the step", "braid_step_sm_90a", rb'"entry": "braid_step_sm_90a"', b'"entry": "braid_prepare_0"'),
        ("a function of the C library", '"sim_sm_90a_"', rb'"sim": "\w+"', b'"sim": "system"'), ("a function that is not there", "has no function", rb'"sim": "\w+"', b'"sim": "sim_sm_90a_x"'),
        ("a target that it has no code for", "has no section .braid.gpu.sm_90x.ptx", rb"sm_90a", b"sm_90x"),
    ]:
        broken = with_manifest(blob, lambda text: re.sub(old, new, text))
        model.write_bytes(broken)
        mention = mention if broken != blob else "the manifest was not changed"
        bench.attempt(f"sealed manifest with {name}", mention, run(model, "sim"))
        if mention != "has no function":    # for those that load code
            for command in ("inspect", "verify"):
                bench.attempt(f"{command}: sealed manifest with {name}", mention, [command, model])


def too_large_for_memory(bench):
    """16 TB of weights are refused before any of them is made."""
    config, model = bench.scratch / "config.json", bench.scratch / "huge.braid"
    shutil.copy(ROOT / "test" / "configs" / "ultra.json", config)
    edit_config(bench.scratch, n_routed_experts=8192)
    Braid(bench.braid, bench.scratch).call("compile", config, "-o", model)
    bench.attempt("run: more weights than memory", r"huge\.braid: weights: 16\d{12} bytes of memory are needed, \d+ are available",
                  ["run", model, "-q", "--ids=1", "-n", "1", "--synthetic-weights=1"])


def old_artefact_survives(bench, good):
    """A compile that fails or is killed leaves the old artefact as it was."""
    before = {path.name: path.read_bytes() for path in good.iterdir()}
    intact = lambda: all((good / name).read_bytes() == content for name, content in before.items())
    folder = bench.checkpoint()
    command = [str(bench.braid), "compile", str(folder), "-o", str(good / "model.braid"), "--precision=bf16"]
    begun = time.monotonic()
    subprocess.run([*command[:-2], str(bench.scratch / "timing.braid")], capture_output=True)
    whole = time.monotonic() - begun
    for _ in range(6):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(bench.random.uniform(0, 0.8 * whole))
        child.kill()
        if child.wait() == 0:
            break
        bench.report.claim("old artefact after a killed compile", intact(), "as it was")
    good.joinpath("model.braid").write_bytes(before["model.braid"])
    edit_config(folder, model_type="llama")
    subprocess.run(command, capture_output=True)
    bench.report.claim("old artefact after a failed compile", (good / "model.braid").read_bytes() == before["model.braid"], "as it was")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--braid", required=True, help="the braid command")
    parser.add_argument("--only", metavar="REGEX", help="checkpoint cases with such a name, nothing else")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="braid-e2e-") as scratch:
        bench = Bench(options, scratch, report)
        bad_checkpoints(bench)
        if not options.only:
            bad_outputs(bench)
            bad_gpu_options(bench)
            try:
                edited_dumps(bench)
                good = bench.artefact()
                Braid(bench.braid, scratch).call("run", good / "model.braid", "-q", "--ids", "1", "-n", "1")   # what is not broken runs
                bad_artefacts(bench, good)
                bad_weights(bench, good)
                odd_files(bench, good)
                bad_sessions(bench, good)
                bad_prompts(bench, good)
                bad_requests(bench, good)
                bad_devices(bench, good)
                too_large_for_memory(bench)
                old_artefact_survives(bench, good)
            except (CommandFailed, OSError) as failure:
                report.claim("a good artefact to break", False, f"{type(failure).__name__}: {failure}")
    return report.finish()


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
