//===- Summary.cpp - what the runner says on stderr -----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Summary.h"
#include "braid-rt/machine.h"
#include "core/SizeText.h"

#include <algorithm>
#include <cstdio>
#include <memory>

namespace braid::rt {

static std::string format(const char *pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), pattern, value);
  return text;
}

std::string describe(const Engine &engine, bool contextGiven) {
  const Manifest &m = engine.manifest();
  std::string text = engine.artifact().path + ": " + m.modelType + ", " +
                     counted(m.layers, "layer") + ", " + m.precision +
                     "; on " + engine.device() + ", context " +
                     std::to_string(engine.context()) + ", " +
                     counted(engine.maxSequences(), "sequence") + "\n";
  if (!contextGiven && engine.context() < m.context)
    text += "context: the model could hold " + std::to_string(m.context) +
            " tokens; --context sets it\n";
  if (m.chatTemplate)
    text += "the model brings a chat template; the prompt is used as it is\n";
  return text;
}

static std::string speed(const char *what, int64_t tokens, double seconds) {
  std::string text = what + counted(tokens, "token");
  if (tokens > 0 && seconds > 0)
    text += format(", %.1f tokens/s", double(tokens) / seconds);
  return text;
}

std::string describe(const Engine &engine, const GenerateReport &report) {
  MemoryUse use = engine.memory();
  return speed("prompt: ", report.promptTokens, report.promptSeconds) +
         speed("; decode: ", report.decodeTokens, report.decodeSeconds) +
         "\nmemory: weights " + sizeText(use.weights) +
         (use.weightsOnDevice   ? " on the GPU ("
          : use.weightsInMemory ? " in memory ("
                                : " mapped (") +
         engine.weightsFrom() + "), a sequence " + sizeText(use.stateFixed) +
         " + " + sizeText(use.statePerToken) + " a token, at most " +
         sizeText(peakResident()) + " resident\n";
}

Progress progressOnStderr(const std::string &before,
                          const std::string &after) {
  auto percent = std::make_shared<int>(-1);
  return [=](uint64_t done, uint64_t total) {
    if (*percent < 0)
      std::fprintf(stderr, "%s%s%s\n", before.c_str(), sizeText(total).c_str(),
                   after.c_str());
    int now = total ? int(100.0 * double(done) / double(total)) : 100;
    if (now / 10 > *percent / 10 || *percent < 0)
      std::fprintf(stderr, "  %d %%\n", now);
    *percent = std::max(now, *percent);
  };
}

} // namespace braid::rt
