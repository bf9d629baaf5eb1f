//===- Fiber.h - stacks that take turns -----------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_SRC_SIM_FIBER_H
#define BRAID_RT_SRC_SIM_FIBER_H

#include "core/Region.h"

namespace braid::rt {

/// A function on a stack of its own, which runs when it is resumed and stops
/// where it pauses. A fiber may be dropped anywhere: what lies on its stack is
/// then forgotten, and nothing of it is destroyed.
class Fiber {
public:
  static constexpr uint64_t kStackBytes = 64 << 10;

  Fiber();
  /// The next resume calls `body(argument)` from its beginning.
  void start(void (*body)(void *), void *argument);
  /// Runs until the fiber pauses; false once its body has returned.
  bool resume();
  /// From inside: goes back to where resume was called.
  void pause();
  /// Whether an address lies on the fiber's stack.
  bool owns(const void *address) const;

private:
  static void enter();

  Region stack;
  void *inside = nullptr, *outside = nullptr; ///< Saved stack pointers.
  void (*body)(void *) = nullptr;
  void *argument = nullptr;
  bool done = true;
};

} // namespace braid::rt

#endif // BRAID_RT_SRC_SIM_FIBER_H
