#!/usr/bin/python3
#===- same_programs.py - are the GPU modules of a dump one program? ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints the targets of a device-phase dump, those with the same NVVM program on
one line: the text of a module, without its name and locations."""
import re
import sys
from collections import defaultdict
from pathlib import Path


def programs(text):
    """Program -> its targets."""
    targets = defaultdict(list)
    for module in re.finditer(r"^  gpu\.module @(\w+) .*?^  \}", text, re.DOTALL | re.MULTILINE):
        program = re.sub(r"loc\(.*?\)", "", module[0].replace(module[1], ""))
        targets[program].append(module[1])
    return targets


if __name__ == "__main__":
    for names in programs(Path(sys.argv[1]).read_text()).values():
        print(*names)
