//===- FakeModule.h - code on the fake GPU --------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_TEST_FAKE_CUDA_FAKEMODULE_H
#define BRAID_TEST_FAKE_CUDA_FAKEMODULE_H

#include "Fake.h"

#include <array>

namespace fake {

/// The work of one launch. Parameters are read now, as a driver does.
Work launchOf(CUfunction function, std::array<int64_t, 3> grid,
              unsigned threads, unsigned shared, void **parameters);

} // namespace fake

#endif // BRAID_TEST_FAKE_CUDA_FAKEMODULE_H
