//===- braid-rt/generate.h - prompts in, tokens out -----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_GENERATE_H
#define BRAID_RT_GENERATE_H

#include "braid-rt/sampling.h"
#include "braid-rt/session.h"

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace braid::rt {

/// A sequence to go on with: first its prompt is read, then tokens are chosen.
/// The prompt may be empty if session.next(sequence) is there.
struct Prompt {
  int sequence = 0;
  std::vector<int32_t> ids;
};

enum class Finish {
  Length,     ///< maxTokens reached.
  Eos,        ///< A stop token was chosen (it is reported, but not fed).
  Listener,   ///< The listener had enough, e.g. a stop string.
  Context,    ///< The sequence is full.
  Interrupted ///< options.interrupted became true.
};
const char *nameOf(Finish finish);

struct GenerateOptions {
  int64_t maxTokens = -1; ///< Per prompt; -1: until something else ends it.
  bool ignoreEos = false;
  SamplingOptions sampling;
  bool promptLogits = false; ///< Report the logits of every prompt token.
  bool tokenLogits = false;  ///< Report the logits of every chosen token.
  float *hidden = nullptr;   ///< See Session::step. REQUIRES: one prompt of at
                             ///< most engine.maxRows() tokens.
  bool feedLast = false;     ///< Also feed each prompt's last token, so that
                             ///< the sequence can be saved and continued.
  const std::atomic<bool> *interrupted = nullptr;
};

/// Is told what happens, in the order in which it happens. `prompt` is an index
/// into the list of prompts; logits are valid during the call.
class GenerateListener {
public:
  virtual ~GenerateListener() = default;
  /// `logits` [rows, vocabulary] of the next rows of a prompt.
  virtual void promptRows(size_t, int64_t /*rows*/, const float * /*logits*/) {}
  /// A chosen token and the logits [vocabulary] it was chosen from: null without
  /// options.tokenLogits, unless they are at hand. Returns whether to go on with
  /// this prompt.
  virtual bool token(size_t prompt, int32_t id, const float *logits) = 0;
};

struct GenerateReport {
  int64_t promptTokens = 0, decodeTokens = 0; ///< Rows that were run.
  double promptSeconds = 0, decodeSeconds = 0;
  std::vector<Finish> finish; ///< Per prompt.
};

/// Throws Error if a prompt does not fit into what is left of the context, or
/// is empty where there is nothing to go on from.
void checkPrompt(const Session &session, const Prompt &prompt);

/// Runs all prompts as one ragged batch. What a prompt gives does not depend on
/// those beside it: a prompt is cut every engine.maxRows() tokens of its own,
/// and waits for the next step rather than be cut elsewhere.
/// Throws Error before anything is run if a prompt does not fit.
GenerateReport generate(Session &session, std::span<const Prompt> prompts,
                        const GenerateOptions &options,
                        GenerateListener &listener);

/// The ids of a prompt's text: with the post-processor of tokenizer.json, and
/// the BOS token in front where the model's configuration asks for one.
/// Throws Error if the artefact has no tokenizer.
std::vector<int32_t> encodePrompt(const Engine &engine, std::string_view text,
                                  bool parseSpecial);

} // namespace braid::rt

#endif // BRAID_RT_GENERATE_H
