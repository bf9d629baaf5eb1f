//===- Session.cpp - the state of sequences, and the step -----------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Bytes.h"
#include "SessionState.h"
#include "braid-rt/error.h"

#include <algorithm>
#include <cstring>

namespace braid::rt {

Session::State::State(Engine &engine)
    : engine(engine), loaded(*engine.state),
      pools(engine.manifest(), engine.maxSequences(), engine.context(),
            *loaded.device),
      sequences(size_t(engine.maxSequences())),
      nextLogits(logitBytes(engine.manifest(), engine.maxSequences()), "logits"),
      stepLogits(logitBytes(engine.manifest(), engine.maxRows()), "logits") {
  ids.reserve(size_t(engine.maxRows()));
  outputRows.reserve(size_t(engine.maxRows()));
  temperatures.reserve(size_t(engine.maxRows()));
  keys.reserve(size_t(engine.maxRows()));
  chosen.reserve(size_t(engine.maxRows()));
  rowBegin.reserve(size_t(engine.maxSequences()) + 1);
  position.reserve(size_t(engine.maxSequences()));
  slot.reserve(size_t(engine.maxSequences()));
}

Sequence &Session::State::at(int sequence) {
  if (sequence < 0 || size_t(sequence) >= sequences.size() ||
      !sequences[size_t(sequence)].used)
    throw Error("there is no sequence " + std::to_string(sequence));
  return sequences[size_t(sequence)];
}

float *Session::State::next(int sequence) {
  return nextLogits.as<float>() + sequence * manifest().vocabulary;
}

Session::Session(Engine &engine) : state(std::make_unique<State>(engine)) {}
Session::~Session() = default;
Engine &Session::engine() const { return state->engine; }

int Session::create() {
  for (size_t i = 0; i < state->sequences.size(); ++i) {
    Sequence &sequence = state->sequences[i];
    if (sequence.used)
      continue;
    sequence.tokens.reserve(size_t(state->engine.context()));
    sequence.used = true;
    return int(i);
  }
  throw Error("all " + std::to_string(state->sequences.size()) +
                  " sequences are in use",
              "release one, or load with a larger --max-sequences");
}

int Session::fork(int sequence) {
  state->at(sequence);
  int copy = create();
  Sequence &from = state->at(sequence), &to = state->at(copy);
  to.tokens.assign(from.tokens.begin(), from.tokens.end());
  to.hasNext = from.hasNext;
  to.hasChosen = from.hasChosen;
  to.chosen = from.chosen;
  state->pools.copy(sequence, copy, position(sequence));
  if (from.hasNext)
    std::memcpy(state->next(copy), state->next(sequence),
                logitBytes(state->engine.manifest(), 1));
  return copy;
}

void Session::release(int sequence) {
  Sequence &released = state->at(sequence);
  released.used = released.hasNext = released.hasChosen = false;
  released.tokens.clear();
}

int64_t Session::position(int sequence) const {
  return int64_t(state->at(sequence).tokens.size());
}

std::span<const int32_t> Session::tokens(int sequence) const {
  return state->at(sequence).tokens;
}

const float *Session::next(int sequence) const {
  return state->at(sequence).hasNext ? state->next(sequence) : nullptr;
}

const float *Session::logits() const {
  return state->stepLogits.as<float>();
}

int32_t Session::chosen(int sequence) const {
  const Sequence &of = state->at(sequence);
  if (!of.hasChosen)
    throw Error("nothing was chosen for sequence " + std::to_string(sequence));
  if (of.chosen < 0)
    throw Error("the model computed a logit of id " +
                    std::to_string(-1 - of.chosen) + " that is not finite",
                "its weights may be damaged; verify the artefact");
  return of.chosen;
}

/// Throws Error unless the feed may be run.
static void checkFeed(const Feed &feed, int64_t position,
                      const Engine &engine) {
  int64_t context = engine.context(), length = int64_t(feed.ids.size());
  if (length == 0)
    throw Error("sequence " + std::to_string(feed.sequence) +
                ": no tokens to feed");
  if (length > context - position)
    throw Error("sequence " + std::to_string(feed.sequence) + ": " +
                    std::to_string(position + length) +
                    " tokens are more than the context of " +
                    std::to_string(context),
                "a larger --context makes room, up to the model's " +
                    std::to_string(engine.manifest().context));
  for (int32_t id : feed.ids)
    if (id < 0 || id >= engine.manifest().vocabulary)
      throw Error("id " + std::to_string(id) + " is out of range: expected 0 " +
                  "to " + std::to_string(engine.manifest().vocabulary - 1));
}

static void checkFeeds(std::span<const Feed> feeds, const Session &session) {
  const Engine &engine = session.engine();
  uint64_t rows = 0;
  for (size_t i = 0; i < feeds.size(); ++i) {
    checkFeed(feeds[i], session.position(feeds[i].sequence), engine);
    rows += feeds[i].ids.size();
    for (size_t j = 0; j < i; ++j)
      if (feeds[j].sequence == feeds[i].sequence)
        throw Error("sequence " + std::to_string(feeds[i].sequence) +
                    ": fed twice in one step");
  }
  if (rows < 1 || rows > uint64_t(engine.maxRows()))
    throw Error("step: expected 1 to " + std::to_string(engine.maxRows()) +
                " rows, found " + std::to_string(rows));
}

/// Rows of a feed whose logits are computed.
static int32_t outputsOf(const Feed &feed) {
  return feed.logits == Logits::None  ? 0
         : feed.logits == Logits::All ? int32_t(feed.ids.size())
                                      : 1;
}

static bool returnsLogits(const Feed &feed) {
  return feed.logits == Logits::Last || feed.logits == Logits::All;
}

/// Lays the feeds one after another.
void Session::State::collect(std::span<const Feed> feeds) {
  ids.clear(), position.clear(), slot.clear(), outputRows.clear();
  temperatures.clear(), keys.clear();
  rowBegin.assign(1, 0);
  for (const Feed &feed : feeds) {
    position.push_back(int32_t(at(feed.sequence).tokens.size()));
    slot.push_back(feed.sequence);
    ids.insert(ids.end(), feed.ids.begin(), feed.ids.end());
    int32_t end = int32_t(ids.size());
    for (int32_t row = end - outputsOf(feed); row < end; ++row) {
      Draw draw = row + 1 == end ? feed.draw : Draw();
      outputRows.push_back(row);
      temperatures.push_back(draw.temperature);
      keys.push_back(draw.key);
    }
    rowBegin.push_back(end);
  }
  chosen.assign(outputRows.size(), 0);
}

void Session::step(std::span<const Feed> feeds, float *hidden) {
  checkFeeds(feeds, *this);
  State &s = *state;
  for (const Feed &feed : feeds)
    s.pools.grow(feed.sequence,
                 position(feed.sequence) + int64_t(feed.ids.size()));
  s.collect(feeds);
  Engine::State &loaded = s.loaded;
  braid_step step{};
  step.weights = loaded.weights.table();
  step.pools = s.pools.table();
  step.arena = loaded.arena->data();
  step.rows = int64_t(s.ids.size());
  step.sequences = int64_t(feeds.size());
  step.slots = s.engine.maxSequences();
  step.context = s.engine.context();
  step.ids = s.ids.data();
  step.row_begin = s.rowBegin.data();
  step.position = s.position.data();
  step.slot = s.slot.data();
  step.outputs = int64_t(s.outputRows.size());
  step.output_rows = s.outputRows.data();
  step.temperatures = s.temperatures.data();
  step.keys = s.keys.data();
  step.logits = s.stepLogits.as<float>();
  step.chosen = s.chosen.data();
  step.taps = hidden ? s.manifest().layers + 1 : 0;
  step.hidden = hidden;
  {
    std::lock_guard turn(loaded.stepping);
    loaded.device->run(step, std::any_of(feeds.begin(), feeds.end(),
                                         returnsLogits));
  }
  advance(feeds);
}

void Session::advance(std::span<const Feed> feeds) {
  int64_t end = 0, vocabulary = state->manifest().vocabulary;
  for (const Feed &feed : feeds) {
    Sequence &sequence = state->at(feed.sequence);
    sequence.tokens.insert(sequence.tokens.end(), feed.ids.begin(),
                           feed.ids.end());
    end += outputsOf(feed);
    sequence.hasNext = returnsLogits(feed);
    if (sequence.hasNext)
      std::memcpy(state->next(feed.sequence), logits() + (end - 1) * vocabulary,
                  logitBytes(state->engine.manifest(), 1));
    sequence.hasChosen =
        feed.logits != Logits::None && feed.draw.temperature >= 0;
    if (sequence.hasChosen)
      sequence.chosen = state->chosen[size_t(end - 1)];
  }
}

} // namespace braid::rt
