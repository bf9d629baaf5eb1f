//===- Synthetic.h - weights made from a seed -----------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_SYNTHETIC_H
#define BRAID_RT_SRC_CORE_SYNTHETIC_H

#include "braid-rt/manifest.h"

#include <cstddef>

namespace braid::rt {

/// Fills elements [first, first + source.elements()) of the tensor `name` as
/// `source.init` says. A number depends on seed, name and index alone, so the
/// result is the same in whatever pieces and order it is made.
/// Throws Error for an init or a dtype it does not know.
void fillSynthetic(uint64_t seed, const std::string &name,
                   const WeightSource &source, uint64_t first, std::byte *to);

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_SYNTHETIC_H
