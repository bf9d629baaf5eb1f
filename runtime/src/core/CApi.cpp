//===- CApi.cpp - the runtime for C ---------------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TextStream.h"
#include "braid-rt/braid.h"
#include "braid-rt/error.h"
#include "braid-rt/generate.h"

#include <algorithm>
#include <cstring>
#include <new>

using namespace braid::rt;

struct braid_engine {
  std::unique_ptr<Engine> engine;
};

struct braid_session {
  Session session;
};

static void setText(char *to, size_t capacity, const char *text) {
  size_t length = std::min(std::strlen(text), capacity - 1);
  std::memcpy(to, text, length);
  to[length] = 0;
}

static braid_code report(braid_status *status, braid_code code,
                         const char *message, const char *hint = "") {
  if (!status)
    return code;
  status->code = code;
  setText(status->message, sizeof(status->message), message);
  setText(status->hint, sizeof(status->hint), hint);
  return code;
}

/// Runs `action`, which returns a braid_code; nothing is thrown beyond here.
template <typename Action>
static braid_code guarded(braid_status *status, Action action) noexcept {
  try {
    braid_code code = action();
    return report(status, code, code == BRAID_OK ? "" : "buffer too small");
  } catch (const Error &error) {
    return report(status, BRAID_ERROR, error.what(), error.hint.c_str());
  } catch (const std::bad_alloc &) {
    return report(status, BRAID_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception &error) {
    return report(status, BRAID_ERROR, error.what());
  }
}

template <typename T> static T *given(T *pointer, const char *name) {
  if (!pointer)
    throw Error(std::string(name) + ": expected a pointer, found null");
  return pointer;
}

static EngineOptions optionsFrom(const braid_engine_options *options) {
  EngineOptions result;
  if (!options)
    return result;
  result.threads = options->threads;
  result.context = options->context;
  if (options->max_sequences)
    result.maxSequences = options->max_sequences;
  if (options->max_rows)
    result.maxRows = options->max_rows;
  if (options->weights_dir)
    result.weightsDir = options->weights_dir;
  return result;
}

braid_code braid_engine_open(const char *path,
                             const braid_engine_options *options,
                             braid_engine **engine, braid_status *status) {
  return guarded(status, [&] {
    given(engine, "engine");
    auto opened = Engine::open(given(path, "path"), optionsFrom(options));
    *engine = new braid_engine{std::move(opened)};
    return BRAID_OK;
  });
}

void braid_engine_close(braid_engine *engine) { delete engine; }

int64_t braid_engine_vocabulary(const braid_engine *engine) {
  return engine->engine->manifest().vocabulary;
}

int64_t braid_engine_context(const braid_engine *engine) {
  return engine->engine->context();
}

const char *braid_engine_manifest(const braid_engine *engine) {
  return engine->engine->artifact().manifestJson.c_str();
}

braid_code braid_tokenize(const braid_engine *engine, const char *text,
                          size_t bytes, int32_t parse_special, int32_t *ids,
                          size_t capacity, size_t *count,
                          braid_status *status) {
  return guarded(status, [&] {
    auto found = encodePrompt(*given(engine, "engine")->engine,
                              {given(text, "text"), bytes}, parse_special);
    *given(count, "count") = found.size();
    std::copy_n(found.begin(), std::min(capacity, found.size()), ids);
    return found.size() <= capacity ? BRAID_OK : BRAID_TOO_SMALL;
  });
}

braid_code braid_detokenize(const braid_engine *engine, const int32_t *ids,
                            size_t count, char *text, size_t capacity,
                            size_t *bytes, braid_status *status) {
  return guarded(status, [&] {
    const Tokenizer *tokenizer = given(engine, "engine")->engine->tokenizer();
    if (!tokenizer)
      throw Error("the artefact has no tokenizer");
    std::string found = tokenizer->decode({ids, ids + count});
    *given(bytes, "bytes") = found.size();
    if (found.size() > capacity)
      return BRAID_TOO_SMALL;
    std::copy(found.begin(), found.end(), text);
    return BRAID_OK;
  });
}

braid_code braid_session_create(braid_engine *engine, braid_session **session,
                                braid_status *status) {
  return guarded(status, [&] {
    given(session, "session");
    *session =
        new braid_session{Session(*given(engine, "engine")->engine)};
    return BRAID_OK;
  });
}

void braid_session_destroy(braid_session *session) { delete session; }

braid_code braid_sequence_create(braid_session *session, int32_t *sequence,
                                 braid_status *status) {
  return guarded(status, [&] {
    *given(sequence, "sequence") = given(session, "session")->session.create();
    return BRAID_OK;
  });
}

braid_code braid_sequence_fork(braid_session *session, int32_t from,
                               int32_t *sequence, braid_status *status) {
  return guarded(status, [&] {
    *given(sequence, "sequence") =
        given(session, "session")->session.fork(from);
    return BRAID_OK;
  });
}

braid_code braid_sequence_release(braid_session *session, int32_t sequence,
                                  braid_status *status) {
  return guarded(status, [&] {
    given(session, "session")->session.release(sequence);
    return BRAID_OK;
  });
}

braid_code braid_sequence_save(const braid_session *session, int32_t sequence,
                               const char *path, braid_status *status) {
  return guarded(status, [&] {
    given(session, "session")->session.save(sequence, given(path, "path"));
    return BRAID_OK;
  });
}

braid_code braid_sequence_restore(braid_session *session, const char *path,
                                  int32_t *sequence, braid_status *status) {
  return guarded(status, [&] {
    *given(sequence, "sequence") =
        given(session, "session")->session.restore(given(path, "path"));
    return BRAID_OK;
  });
}

int64_t braid_sequence_position(const braid_session *session,
                                int32_t sequence) {
  int64_t position = -1;
  guarded(nullptr, [&] {
    position = session->session.position(sequence);
    return BRAID_OK;
  });
  return position;
}

const float *braid_sequence_logits(const braid_session *session,
                                   int32_t sequence) {
  const float *logits = nullptr;
  guarded(nullptr, [&] {
    logits = session->session.next(sequence);
    return BRAID_OK;
  });
  return logits;
}

braid_code braid_session_step(braid_session *session, const braid_feed *feeds,
                              size_t count, braid_status *status) {
  return guarded(status, [&] {
    std::vector<Feed> list;
    for (size_t i = 0; i < count; ++i) {
      size_t tokens = size_t(std::max<int64_t>(feeds[i].count, 0));
      list.push_back({feeds[i].sequence, {feeds[i].ids, tokens}});
    }
    given(session, "session")->session.step(list);
    return BRAID_OK;
  });
}

namespace {
/// Hands tokens and their text to the caller's function.
struct Callback : GenerateListener {
  const Tokenizer *tokenizer;
  braid_token_fn function;
  void *user;
  TextStream stream;
  bool wantsMore = true;

  Callback(const Tokenizer *tokenizer, braid_token_fn function, void *user)
      : tokenizer(tokenizer), function(function), user(user) {}
  bool token(size_t, int32_t id, const float *) override {
    std::string text;
    if (tokenizer)
      text = stream.add(tokenizer->bytesOf(id));
    wantsMore = function(user, id, text.data(), text.size()) != 0;
    return wantsMore;
  }
  /// The beginning of a character that no token has completed.
  void finish() {
    if (std::string text = stream.finish(); wantsMore && !text.empty())
      function(user, -1, text.data(), text.size());
  }
};
} // namespace

braid_code braid_generate(braid_session *session, int32_t sequence,
                          const int32_t *ids, size_t count,
                          const braid_generate_options *options,
                          braid_token_fn on_token, void *user,
                          braid_status *status) {
  return guarded(status, [&] {
    GenerateOptions how;
    given(options, "options");
    how.maxTokens = options->max_tokens;
    how.ignoreEos = options->ignore_eos != 0;
    how.sampling = {options->temperature, options->top_k,
                    options->top_p == 0 ? 1 : options->top_p, options->seed};
    how.feedLast = true;
    Session &target = given(session, "session")->session;
    Prompt prompt{sequence, {ids, ids + count}};
    Callback callback(target.engine().tokenizer(), given(on_token, "on_token"),
                      user);
    generate(target, {&prompt, 1}, how, callback);
    callback.finish();
    return BRAID_OK;
  });
}
