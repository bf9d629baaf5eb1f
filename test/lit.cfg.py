#===- lit.cfg.py - how the .mlir tests run ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os

import lit.formats

config.name = "braid"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["configs", "e2e", "fixtures", "fuzz", "lib", "unit", "Inputs"]
config.test_source_root = os.path.dirname(__file__)

config.environment["PATH"] = os.pathsep.join([config.braid_tools, config.llvm_tools, config.environment["PATH"]])
for tool in ("braid", "braid-opt", "braid-run"):
    # A name that is not a part of a longer one, an option or a path.
    config.substitutions.append((rf"(?<![\w./-]){tool}(?![\w./-])", os.path.join(config.braid_tools, tool)))
for tool in ("FileCheck", "count", "not", "split-file"):
    config.substitutions.append((rf"(?<![\w./-]){tool}(?![\w./-])", os.path.join(config.llvm_tools, tool)))
config.substitutions.append(("%fixtures", os.path.join(config.test_source_root, "fixtures")))
config.substitutions.append(("%configs", os.path.join(config.test_source_root, "configs")))
config.substitutions.append(("%python", config.python))
