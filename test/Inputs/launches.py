#!/usr/bin/python3
#===- launches.py - what a decode step launches, block by block ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""launches.py BRAID-OPT DUMP ROWS...: counts the launches of each function of the
step, for so many sequences of one row each.

DUMP is the device phase behind outline-launches. In its host code all sizes of
the step become numbers, and nobody asks for hidden states; then every branch has
to fold away, so that what is left is launched. Launches of no blocks are none.
"""
import re
import subprocess
import sys

CONTEXT = 4096


def with_sizes(text, rows):
    """Host code with numbers in the place of sizes, and device code without any."""
    host, device = text.split("  gpu.module @", 1)

    def size(found):
        name, index, dims = found.groups()
        number = CONTEXT if index != "0" else 0 if dims.startswith("?x?x") else rows
        return f"{name} = arith.constant {number} : index"

    host = re.sub(r"(%\S+) = memref\.dim \S+, %c(\d+)\S* : memref<(\S+)[^\n]*", size, host)
    host = re.sub(r"(%\S+) = llvm\.load %\S+[^\n]* -> i64", rf"\1 = llvm.mlir.constant({rows} : i64) : i64", host)
    device = re.sub(r"^(    gpu\.func [^\n]*\{)\n.*?^    \}", r"\1\n      gpu.return\n    }", device, flags=re.S | re.M)
    return host + "  gpu.module @" + device


def count(functions, name):
    """Launches of a function, those of its callees included."""
    body, total = functions[name], 0
    left = re.search(r"\b(scf|cf)\.\w+", body)
    if left:
        sys.exit(f"@{name}: {left.group()} is left; not only the step's sizes decide what is launched")
    zero = set(re.findall(r"(%\S+) = arith\.constant 0 : index", body))
    for grid in re.findall(r"gpu\.launch_func\s+\S+ blocks in \(([^)]*)\)", body):
        total += not zero & set(grid.split(", "))
    return total + sum(count(functions, callee) for callee in re.findall(r"call @(\w+)", body))


def main():
    tool, dump, *numbers = sys.argv[1:]
    text = open(dump).read()
    for rows in map(int, numbers):
        folded = subprocess.run([tool, "--canonicalize", "--sccp", "--canonicalize"], input=with_sizes(text, rows), text=True,
                                stdout=subprocess.PIPE, check=True).stdout.split("  gpu.module @")[0]
        functions = {name: body for name, body in re.findall(r"^  func\.func (?:private )?@(\w+)(.*?)^  }", folded, re.S | re.M)}
        step = next(name for name in functions if name.startswith("step_sm_"))
        blocks = dict.fromkeys(re.findall(r"call @(\w+)", functions[step]))
        counts = [f"{name.rsplit('_sm_')[0]} {count(functions, name)}" for name in blocks]
        print(f"rows {rows}: {', '.join(counts)}")


if __name__ == "__main__":
    main()
