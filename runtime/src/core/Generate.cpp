//===- Generate.cpp - prompts in, tokens out ------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid-rt/generate.h"
#include "braid-rt/error.h"

#include <algorithm>
#include <chrono>

namespace braid::rt {
namespace {

class Stopwatch {
public:
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
};

class Generation {
public:
  Generation(Session &session, std::span<const Prompt> prompts,
             const GenerateOptions &options, GenerateListener &listener)
      : session(session), prompts(prompts), options(options),
        listener(listener),
        sampler(options.sampling, session.engine().manifest().vocabulary),
        runs(prompts.size()) {
    feeds.reserve(prompts.size());
    report.finish.assign(prompts.size(), Finish::Interrupted);
    for (const Prompt &prompt : prompts)
      checkPrompt(session, prompt);
  }

  GenerateReport run() {
    Stopwatch prompt;
    while (!interrupted() && collectPrompts())
      stepPrompts();
    report.promptSeconds = prompt.seconds();
    Stopwatch decode;
    while (!interrupted() && collectTokens()) {
      session.step(feeds);
      report.decodeTokens += int64_t(feeds.size());
    }
    report.decodeSeconds = decode.seconds();
    return std::move(report);
  }

private:
  /// How far a prompt is.
  struct Run {
    size_t read = 0; ///< Tokens of the prompt in the sequence.
    int64_t chosen = 0;
    int32_t last = 0; ///< The token to feed next.
    bool drawn = false; ///< The last step has chosen the next token.
    bool done = false;
  };

  bool interrupted() const {
    return options.interrupted && options.interrupted->load();
  }

  /// What a feed has to give for the token after it. Who goes on with the
  /// sequence after this generation may choose in another way.
  Logits forNext(size_t i) const {
    bool byStep = sampler.draw(0).temperature >= 0;
    return byStep && !options.tokenLogits && !runs[i].done ? Logits::Choice
                                                           : Logits::Last;
  }

  Draw drawAfter(size_t i, std::span<const int32_t> ids) {
    Draw draw = sampler.draw(session.position(prompts[i].sequence) +
                             int64_t(ids.size()));
    runs[i].drawn = draw.temperature >= 0;
    return draw;
  }

  /// The next piece of every prompt that still fits into the step.
  bool collectPrompts() {
    feeds.clear(), fed.clear();
    size_t room = size_t(session.engine().maxRows());
    for (size_t i = 0; i < prompts.size(); ++i) {
      std::span<const int32_t> rest(prompts[i].ids);
      rest = rest.subspan(runs[i].read);
      auto piece =
          rest.first(std::min(rest.size(), size_t(session.engine().maxRows())));
      if (piece.empty() || piece.size() > room)
        continue;
      room -= piece.size();
      Logits wanted = options.promptLogits           ? Logits::All
                      : piece.size() == rest.size() ? forNext(i)
                                                     : Logits::None;
      feeds.push_back({prompts[i].sequence, piece, wanted, drawAfter(i, piece)});
      fed.push_back(i);
    }
    return !feeds.empty();
  }

  void stepPrompts() {
    session.step(feeds, options.hidden);
    const float *row = session.logits();
    for (size_t k = 0; k < feeds.size(); ++k) {
      int64_t rows = int64_t(feeds[k].ids.size());
      runs[fed[k]].read += feeds[k].ids.size();
      report.promptTokens += rows;
      if (!options.promptLogits)
        continue;
      listener.promptRows(fed[k], rows, row);
      row += rows * session.engine().manifest().vocabulary;
    }
  }

  /// Chooses a token for every prompt that goes on.
  bool collectTokens() {
    feeds.clear();
    for (size_t i = 0; i < prompts.size(); ++i)
      if (!runs[i].done && choose(i)) {
        std::span<const int32_t> token(&runs[i].last, 1);
        feeds.push_back(
            {prompts[i].sequence, token, forNext(i), drawAfter(i, token)});
      }
    return !feeds.empty();
  }

  void finish(size_t i, Finish why) {
    report.finish[i] = why;
    runs[i].done = true;
  }

  /// Returns whether there is a token to feed.
  bool choose(size_t i) {
    Run &run = runs[i];
    int sequence = prompts[i].sequence;
    int64_t position = session.position(sequence);
    if (run.chosen == options.maxTokens)
      return finish(i, Finish::Length), false;
    if (position == session.engine().context())
      return finish(i, Finish::Context), false;
    const float *logits = session.next(sequence);
    run.last = run.drawn ? session.chosen(sequence)
                         : sampler.choose(logits, position);
    ++run.chosen;
    bool more = listener.token(i, run.last, logits);
    if (!options.ignoreEos && isEos(run.last))
      return finish(i, Finish::Eos), false;
    if (!more)
      return finish(i, Finish::Listener), options.feedLast;
    if (run.chosen == options.maxTokens)
      return finish(i, Finish::Length), options.feedLast;
    return true;
  }

  bool isEos(int32_t id) const {
    const std::vector<int32_t> &eos = session.engine().manifest().eos;
    return std::find(eos.begin(), eos.end(), id) != eos.end();
  }

  Session &session;
  std::span<const Prompt> prompts;
  const GenerateOptions &options;
  GenerateListener &listener;
  Sampler sampler;
  std::vector<Run> runs;
  std::vector<Feed> feeds;
  std::vector<size_t> fed; ///< Prompt of each feed.
  GenerateReport report;
};

} // namespace

const char *nameOf(Finish finish) {
  switch (finish) {
  case Finish::Length:
    return "length";
  case Finish::Eos:
    return "eos";
  case Finish::Listener:
    return "stop";
  case Finish::Context:
    return "context";
  case Finish::Interrupted:
    return "interrupted";
  }
  return "";
}

void checkPrompt(const Session &session, const Prompt &prompt) {
  const Engine &engine = session.engine();
  int64_t room = engine.context() - session.position(prompt.sequence);
  if (int64_t(prompt.ids.size()) > room)
    throw Error("the prompt has " + std::to_string(prompt.ids.size()) +
                    " tokens, the context has room for " + std::to_string(room),
                "--context makes it larger, up to the model's " +
                    std::to_string(engine.manifest().context));
  if (prompt.ids.empty() && !session.next(prompt.sequence))
    throw Error("the prompt is empty",
                "give at least one token, there is nothing to go on from");
}

GenerateReport generate(Session &session, std::span<const Prompt> prompts,
                        const GenerateOptions &options,
                        GenerateListener &listener) {
  return Generation(session, prompts, options, listener).run();
}

std::vector<int32_t> encodePrompt(const Engine &engine, std::string_view text,
                                  bool parseSpecial) {
  const Tokenizer *tokenizer = engine.tokenizer();
  if (!tokenizer)
    throw Error(engine.artifact().path + ": has no tokenizer",
                "give token ids instead (--ids), or compile a folder with "
                "tokenizer.json");
  auto ids = tokenizer->encode(text, {.addSpecial = true,
                                      .parseSpecial = parseSpecial});
  const Manifest &manifest = engine.manifest();
  bool hasBos = !ids.empty() && ids.front() == manifest.bos;
  if (manifest.addBos && manifest.bos >= 0 && !hasBos)
    ids.insert(ids.begin(), manifest.bos);
  return ids;
}

} // namespace braid::rt
