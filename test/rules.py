#!/usr/bin/python3
#===- rules.py - who may include what, and what no file may contain ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the sources as text: layers, file headers, words. Builds nothing."""
import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Layer -> the layers whose headers it may include, besides its own. `rt:x` is
# runtime/include/braid-rt/x.h, `rt` all of them; `llvm` stands for LLVM and MLIR.
LAYERS = {
    "Dialect": ["llvm"],
    "Import": ["Dialect", "llvm", "rt:checkpoint", "rt:error", "rt:json"],
    "Analysis": ["Import", "Dialect", "llvm", "rt:error"],
    "Transforms": ["Analysis", "Dialect", "llvm", "rt:abi"],
    "Conversion": ["Transforms", "Dialect", "llvm", "rt:abi"],
    "Target": ["Transforms", "Dialect", "llvm", "rt:abi", "rt:error"],
    "Pipeline": ["Conversion", "Target", "Transforms", "Analysis", "Dialect", "llvm"],
    "tools": ["Pipeline", "Target", "Transforms", "Analysis", "Import", "Dialect", "llvm", "rt"],
    "runtime": ["rt"],
}
# `braid plan` and the readers need no LLVM.
WITHOUT_LLVM = [
    "lib/Analysis/Cost.cpp", "lib/Analysis/GPULimits.cpp", "lib/Analysis/LayerMap.cpp", "lib/Analysis/Machine.cpp",
    *(f"lib/Import/HuggingFace/{name}.cpp" for name in (
        "ConfigReader", "LayerPattern", "ModelConfig", "ModelParts", "QuantMap", "TensorCheck", "TensorList")),
]
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)
SOURCES = {".cpp", ".h", ".c", ".td"}

# Places of one machine, and words that mean unfinished. Written so that this
# file does not match itself.
FORBIDDEN = re.compile(
    r"/wor[k]/|\.\./shar[e]d|/hom[e]/|/tmp/(?:build|clone)[-/]|/roo[t]/|artifact[-]registry|"
    r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b|#T[E] ")
TEXT = SOURCES | {".py", ".md", ".txt", ".cmake", ".json", ".mlir", ".test", ".sh", ".in", ".td", ""}
NO_HEADER = {".md", ".json", ".jsonl", ".safetensors", ".mlir", ".test", ".in", ".txt"}
MOST_LINES_OF_A_MAIN = 100


def files():
    """What git would have in a clone; without git, all but build folders."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True)
    if listed.returncode == 0:
        names = [Path(name) for name in listed.stdout.decode().split("\0") if name]
    else:
        names = [path.relative_to(ROOT) for path in ROOT.rglob("*")]
        names = [n for n in names if not n.parts[0].startswith(("build", ".git/")) and "__pycache__" not in n.parts]
    return sorted(name for name in names if (ROOT / name).is_file())


def layer_of(path):
    """None: outside of the layers (tests, Python, documents)."""
    if path.parts[0] in ("runtime", "tools"):
        return path.parts[0]
    if path.parts[:2] == ("include", "braid") and len(path.parts) > 3:
        return path.parts[2]
    return path.parts[1] if path.parts[0] == "lib" and len(path.parts) > 2 else None


def target_of(include):
    """The layer that an include line reaches; None: the system, or beside it."""
    parts = include.split("/")
    if parts[0] == "braid":
        return parts[1]
    if parts[0] == "braid-rt":
        return "rt:" + parts[1].removesuffix(".h")
    return "llvm" if parts[0].startswith(("llvm", "mlir", "clang")) else None


def layer_problems(path, text):
    layer = layer_of(path)
    if layer not in LAYERS:
        return [f"{path}: no layer called {layer}; add it to test/rules.py and say what it may include"]
    allowed, found = {layer, *LAYERS[layer]}, []
    for include in INCLUDE.findall(text):
        target = target_of(include)
        known = target is None or target in allowed or (target.startswith("rt:") and "rt" in allowed)
        if not known or (target == "llvm" and str(path) in WITHOUT_LLVM):
            found.append(f"{path}: {layer} may not include {include}")
    return found


def header_problems(path, text):
    head = "\n".join(text.splitlines()[:8])
    return [] if "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception" in head else [f"{path}: no licence line"]


def word_problems(path, text):
    return [f"{path}:{text.count(chr(10), 0, m.start()) + 1}: forbidden: {m.group().strip()}" for m in FORBIDDEN.finditer(text)]


def oracle_problems(path, text):
    """The oracle stands on NumPy alone."""
    allowed, found = {"numpy", "oracle", *sys.stdlib_module_names}, []
    for node in ast.walk(ast.parse(text)):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else \
            [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        found += [f"{path}: the oracle may not import {n}" for n in names if n.split(".")[0] not in allowed]
    return found


def main_problems(path, text):
    lines = text.count("\n")
    return [f"{path}: {lines} lines; a main is a registry of at most {MOST_LINES_OF_A_MAIN}"] if lines > MOST_LINES_OF_A_MAIN else []


def problems_of(path, text):
    """Rule -> its problems, for the rules that concern this file."""
    found = {}
    if path.suffix in TEXT and "fixtures" not in path.parts:
        found["words"] = word_problems(path, text)
    if path.suffix not in NO_HEADER and path.suffix in TEXT | {".py"} and path.name not in ("LICENSE", ".gitignore", ".clang-format"):
        found["licence lines"] = header_problems(path, text)
    if path.suffix in SOURCES and path.parts[0] in ("include", "lib", "tools", "runtime"):
        if layer_of(path):
            found["layers"] = layer_problems(path, text)
        if path.name in ("Main.cpp", "braid-opt.cpp", "braid-run.cpp"):
            found["mains"] = main_problems(path, text)
    if path.parts[:2] == ("python", "oracle") and path.suffix == ".py":
        found["oracle imports"] = oracle_problems(path, text)
    return found


def planted():
    """Mistakes that must be found: a rule that finds nothing proves nothing."""
    runtime, analysis, pipeline = Path("runtime/src/core/X.cpp"), Path(WITHOUT_LLVM[0]), Path("lib/Pipeline/X.cpp")
    return all([
        layer_problems(runtime, '#include "llvm/ADT/StringRef.h"\n'),
        layer_problems(runtime, '#include "braid/Dialect/Braid.h"\n'),
        layer_problems(analysis, "#include <mlir/IR/Builders.h>\n"),
        layer_problems(pipeline, '#include "braid/Import/ModelConfig.h"\n'),
        layer_problems(Path("lib/Dialect/X.cpp"), '#include "braid-rt/json.h"\n'),
        layer_problems(Path("lib/New/X.cpp"), ""),
        word_problems(runtime, "// TO" + "DO\n"),
        word_problems(runtime, '"/wo' + 'rk/x"\n'),
        header_problems(runtime, "int x;\n"),
        oracle_problems(Path("python/oracle/x.py"), "import torch\n"),
    ])


def main():
    problems, checked = {}, {}
    for path in files():
        if path.suffix == ".safetensors" or path.parts[:3] == ("test", "fuzz", "corpus"):
            continue
        text = (ROOT / path).read_text(errors="replace")
        for rule, found in problems_of(path, text).items():
            checked[rule] = checked.get(rule, 0) + 1
            problems.setdefault(rule, []).extend(found)
    failed = 0
    for rule, found in problems.items():
        failed += bool(found)
        print(f"{'FAIL' if found else 'PASS'} {rule}: {checked[rule]} files, {len(found)} problems")
        for line in found:
            print(f"FAIL   {line}")
    works = planted()
    print(f"{'PASS' if works else 'FAIL'} planted mistakes are found")
    passed, failed = len(problems) - failed + works, failed + (not works)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
