//===- Safetensors.h - the header of one safetensors file -----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_SAFETENSORS_H
#define BRAID_RT_SRC_CORE_SAFETENSORS_H

#include "File.h"
#include "braid-rt/checkpoint.h"

#include <optional>
#include <utility>
#include <vector>

namespace braid::rt {

using NamedTensors = std::vector<std::pair<std::string, TensorInfo>>;

/// Bytes of one element of a safetensors dtype; 0: not known.
unsigned elementBytes(std::string_view dtype);

/// Bytes of a tensor; nothing if the dtype is unknown or the size overflows.
std::optional<uint64_t> tensorBytes(std::string_view dtype,
                                    const std::vector<int64_t> &shape);

/// The tensors of `file` in the order of their offsets, which are absolute.
/// Ensures they lie in the file, fill its data part without hole or overlap,
/// and have the size that dtype and shape imply. `fileIndex` is stored in each.
/// Throws Error.
NamedTensors readSafetensorsHeader(const InputFile &file, uint32_t fileIndex);

/// The header as bytes, its 8-byte length included. Throws Error.
std::string readHeaderBytes(const InputFile &file);

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_SAFETENSORS_H
