//===- Source.h - where a model comes from
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TOOLS_SOURCE_H
#define BRAID_TOOLS_SOURCE_H

#include "Compiler.h"

namespace braid {

/// The checkpoint's folder, or a config.json alone.
struct ModelSource {
  std::string place; ///< Empty: a dump that names none.

  bool hasWeights() const;
  /// The folder itself, or the one that the config.json lies in.
  std::string folder() const;
  /// A path from the folder of `file` to the place: it still leads there when
  /// both are moved.
  std::string seenFrom(const std::string &file) const;
};

/// What --weights-from says or else what the dump recorded, from its own
/// folder. Throws rt::Error if that is not there but would be needed.
ModelSource sourceOfDump(const CompileOptions &options,
                         const std::string &recorded);

/// Text that a model brings: tokenizer, chat template, whether <s> is added.
/// A tokenizer that the runtime could not use is refused here already.
void readTokenizer(const std::string &folder, BundleOptions &bundle);

} // namespace braid

#endif // BRAID_TOOLS_SOURCE_H
