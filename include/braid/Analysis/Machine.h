//===- Machine.h - machines that predictions are made for -----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_ANALYSIS_MACHINE_H
#define BRAID_ANALYSIS_MACHINE_H

#include <cstdint>
#include <string>
#include <vector>

namespace braid {

/// Published peaks; a program reaches a part of them.
struct Machine {
  std::string name;
  double bandwidth = 0; ///< Bytes per second of main or GPU memory.
  double flops = 0;     ///< Dense BF16 FLOP per second.
  int64_t memory = 0;   ///< Bytes; 0: not known.
  /// Of a GPU: the code it runs, its multiprocessors, and FLOP per second of its
  /// FP32 lanes.
  std::string target;
  int64_t multiprocessors = 0;
  double laneFlops = 0;
};

/// The machines that --machine knows by name.
const std::vector<Machine> &usualMachines();

/// A name of usualMachines, or "bw=3.3TB/s,flops=989T[,memory=80GiB]".
/// Throws rt::Error.
Machine parseMachine(const std::string &text);

/// A positive number with an optional k, M, G, T or P (Ki, Mi, ... are powers
/// of 1024) and an optional unit B, B/s, FLOP/s or FLOPS. `what` begins the
/// message. Throws rt::Error.
double parseQuantity(const std::string &text, const std::string &what);

/// The same for bytes of memory. Throws rt::Error also below 1 MiB: somebody
/// has left the unit out.
int64_t parseMemory(const std::string &text, const std::string &what);

} // namespace braid

#endif // BRAID_ANALYSIS_MACHINE_H
