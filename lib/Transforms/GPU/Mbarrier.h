//===- Mbarrier.h - barriers with phases, and copies of tiles (private)
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_LIB_TRANSFORMS_GPU_MBARRIER_H
#define BRAID_LIB_TRANSFORMS_GPU_MBARRIER_H

#include "GPUEmitter.h"
#include "braid-rt/abi.h"

namespace braid {

// Addresses are pointers to shared memory.
void initMbarrier(GPUEmitter &b, mlir::Value mbarrier, int64_t arrivals);
void arrive(GPUEmitter &b, mlir::Value mbarrier);
/// Arrives; the phase also waits for so many bytes.
void expectBytes(GPUEmitter &b, mlir::Value mbarrier, int64_t bytes);
/// Waits until the phase of that parity (i32) is complete.
void waitForPhase(GPUEmitter &b, mlir::Value mbarrier, mlir::Value parity);

/// Begins to copy the map's tile at a column and a row, both index.
void copyTile(GPUEmitter &b, mlir::Value map, mlir::Value column,
              mlir::Value row, mlir::Value to, mlir::Value mbarrier);

/// A tile in shared memory as wgmma knows it, and from that byte of its rows on.
mlir::Value describeTile(GPUEmitter &b, mlir::Value tile);
mlir::Value advanceTile(GPUEmitter &b, mlir::Value descriptor, int64_t bytes);

} // namespace braid

#endif // BRAID_LIB_TRANSFORMS_GPU_MBARRIER_H
