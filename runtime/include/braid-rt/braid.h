/*===- braid-rt/braid.h - the runtime for C ---------------------------------===*
 *
 * Part of the Braid project, under the Apache License v2.0 with LLVM
 * Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===----------------------------------------------------------------------===*
 *
 * An engine is a loaded artefact; a session holds the state of some sequences;
 * a step takes tokens in and gives logits out.
 *
 * Ownership. The caller owns what it passes in, for the duration of the call
 * only, and what it receives from a *_open or *_create, until it calls the
 * matching *_close or *_destroy (null is allowed there). Close sessions before
 * their engine. Pointers returned by other functions belong to the object they
 * came from and live as long as their comment says.
 *
 * Errors. Functions that can fail return a braid_code and describe the failure
 * in `status`, which may be null. Nothing is changed by a call that failed,
 * except that outputs are unspecified. No exception leaves this interface.
 *
 * Threads. An engine may be used from several threads; a session from one at a
 * time. Strings are UTF-8.
 *===----------------------------------------------------------------------===*/
#ifndef BRAID_RT_BRAID_H
#define BRAID_RT_BRAID_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum braid_code {
  BRAID_OK = 0,
  BRAID_ERROR = 1,         /* the input or the machine; see message */
  BRAID_OUT_OF_MEMORY = 2, /* */
  BRAID_TOO_SMALL = 3      /* the buffer; the size needed was stored */
} braid_code;

/* One line each, cut if longer, always terminated. `hint` may be empty. */
typedef struct braid_status {
  int32_t code;
  char message[1024];
  char hint[512];
} braid_status;

typedef struct braid_engine braid_engine;
typedef struct braid_session braid_session;

/* Zero in every field is a good default. */
typedef struct braid_engine_options {
  int32_t threads;         /* 0: physical cores, capped by the CPU quota */
  int64_t context;         /* 0: the model's, at most 8192 */
  int64_t max_sequences;   /* 0: 8 */
  int64_t max_rows;        /* of a step; 0: 512 */
  const char *weights_dir; /* searched first; may be null */
} braid_engine_options;

/* `options` may be null. */
braid_code braid_engine_open(const char *path,
                             const braid_engine_options *options,
                             braid_engine **engine, braid_status *status);
void braid_engine_close(braid_engine *engine);
int64_t braid_engine_vocabulary(const braid_engine *engine);
int64_t braid_engine_context(const braid_engine *engine);
/* The manifest's JSON, terminated; lives as long as the engine. */
const char *braid_engine_manifest(const braid_engine *engine);

/* Ids of a prompt's text, as `braid run --prompt` makes them. Stores at most
 * `capacity` ids and always the number needed in `*count`. */
braid_code braid_tokenize(const braid_engine *engine, const char *text,
                          size_t bytes, int32_t parse_special, int32_t *ids,
                          size_t capacity, size_t *count,
                          braid_status *status);
/* Text of ids, special tokens left out, not terminated. Stores nothing if it
 * needs more than `capacity` bytes; always the number needed in `*bytes`. */
braid_code braid_detokenize(const braid_engine *engine, const int32_t *ids,
                            size_t count, char *text, size_t capacity,
                            size_t *bytes, braid_status *status);

braid_code braid_session_create(braid_engine *engine, braid_session **session,
                                braid_status *status);
void braid_session_destroy(braid_session *session);

/* Sequences are small numbers, valid until released. */
braid_code braid_sequence_create(braid_session *session, int32_t *sequence,
                                 braid_status *status);
braid_code braid_sequence_fork(braid_session *session, int32_t from,
                               int32_t *sequence, braid_status *status);
braid_code braid_sequence_release(braid_session *session, int32_t sequence,
                                  braid_status *status);
braid_code braid_sequence_save(const braid_session *session, int32_t sequence,
                               const char *path, braid_status *status);
braid_code braid_sequence_restore(braid_session *session, const char *path,
                                  int32_t *sequence, braid_status *status);
/* Tokens seen so far; -1 if there is no such sequence. */
int64_t braid_sequence_position(const braid_session *session,
                                int32_t sequence);
/* The logits [vocabulary] that the next token is chosen from; null if there are
 * none. Valid until the sequence is fed or released. */
const float *braid_sequence_logits(const braid_session *session,
                                   int32_t sequence);

typedef struct braid_feed {
  int32_t sequence;
  const int32_t *ids;
  int64_t count; /* at least 1 */
} braid_feed;

/* Runs the compiled step once on the next tokens of `count` sequences; all
 * together at most max_rows. Leaves each one's braid_sequence_logits. */
braid_code braid_session_step(braid_session *session, const braid_feed *feeds,
                              size_t count, braid_status *status);

/* Zero in every field but max_tokens is a good default. */
typedef struct braid_generate_options {
  int64_t max_tokens;  /* -1: until a stop token or a full context */
  double temperature;  /* 0: always the most likely token */
  int64_t top_k;       /* 0: all */
  double top_p;        /* 0: as 1 */
  uint64_t seed;
  int32_t ignore_eos;
} braid_generate_options;

/* Told of every token: its id and the text that it completes (whole characters,
 * not terminated, may be empty). Returns 0 to stop, else to go on. If the last
 * token leaves a character incomplete and was not stopped at, one more call
 * with the id -1 brings U+FFFD in its place; what it returns does not matter.
 */
typedef int32_t (*braid_token_fn)(void *user, int32_t id, const char *text,
                                  size_t bytes);

/* Reads a prompt of any length, then generates. `ids` may be empty if the
 * sequence has logits. Afterwards the sequence holds the prompt and all tokens
 * but a stop token, and can be saved or generated from again. */
braid_code braid_generate(braid_session *session, int32_t sequence,
                          const int32_t *ids, size_t count,
                          const braid_generate_options *options,
                          braid_token_fn on_token, void *user,
                          braid_status *status);

#ifdef __cplusplus
}
#endif
#endif /* BRAID_RT_BRAID_H */
