//===- SizeText.h - numbers as people read them ---------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_CORE_SIZETEXT_H
#define BRAID_RT_SRC_CORE_SIZETEXT_H

#include <cstdint>
#include <string>

namespace braid::rt {

/// 1536 -> "1.5 KiB".
std::string sizeText(uint64_t bytes);

/// 1, "row" -> "1 row"; 2, "row" -> "2 rows".
std::string counted(int64_t count, const std::string &noun);

} // namespace braid::rt

#endif // BRAID_RT_SRC_CORE_SIZETEXT_H
