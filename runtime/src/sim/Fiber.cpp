//===- Fiber.cpp - stacks that take turns ---------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fiber.h"

#ifndef __x86_64__
#error "the simulator's fibers are written for x86-64"
#endif

// void braid_fiber_switch(void **save, void *to): leaves the callee-saved
// registers on the old stack and takes those of the new one. A simulated warp
// switches for every shuffle; swapcontext would make a system call each time.
asm(R"(
  .text
  .globl braid_fiber_switch
  .type braid_fiber_switch, @function
braid_fiber_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size braid_fiber_switch, .-braid_fiber_switch
)");
extern "C" void braid_fiber_switch(void **save, void *to);

namespace braid::rt {

/// The fiber that is being started; its first instructions know nothing else.
static thread_local Fiber *starting = nullptr;

Fiber::Fiber() : stack(kStackBytes, "a simulated thread") {}

void Fiber::enter() {
  Fiber *fiber = starting;
  fiber->body(fiber->argument);
  fiber->done = true;
  braid_fiber_switch(&fiber->inside, fiber->outside);
  __builtin_unreachable();
}

void Fiber::start(void (*newBody)(void *), void *newArgument) {
  body = newBody;
  argument = newArgument;
  done = false;
  // Six registers, then the return address, with the stack aligned as after a
  // call.
  auto **top = reinterpret_cast<void **>(stack.data() + kStackBytes) - 2;
  *top = reinterpret_cast<void *>(&Fiber::enter);
  inside = top - 6;
}

bool Fiber::resume() {
  starting = this;
  braid_fiber_switch(&outside, inside);
  return !done;
}

void Fiber::pause() { braid_fiber_switch(&inside, outside); }

bool Fiber::owns(const void *address) const {
  auto *byte = static_cast<const std::byte *>(address);
  return byte >= stack.data() && byte < stack.data() + kStackBytes;
}

} // namespace braid::rt
