/*===- braid-rt/abi.h - the contract between compiled code and the runtime ===*
 *
 * Part of the Braid project, under the Apache License v2.0 with LLVM
 * Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===----------------------------------------------------------------------===*
 *
 * The only file that the compiler and the runtime both read. It describes what
 * an artefact (an ELF shared object) exports, and the structures that cross the
 * boundary. Plain C; every pointer is borrowed for the duration of the call.
 *
 * An artefact holds these non-code parts, each an ELF section:
 *   .braid.manifest   JSON (docs/Bundle.md): what the artefact is and needs
 *   .braid.tokenizer  the model's tokenizer.json, byte for byte (may be absent)
 *   .braid.golden     braid_golden and what follows it: logits that the model's
 *                     reference schedule gave when it was compiled (may be
 *                     absent)
 *   .braid.seal       braid_seal: magic and the SHA-256 over the whole file,
 *                     taken with the 32 bytes of `sha256` set to zero
 * and exports the functions that its manifest names:
 *   braid_step        braid_step_fn
 *   braid_prepare_*   braid_prepare_fn, one per distinct weight preparation
 *===----------------------------------------------------------------------===*/
#ifndef BRAID_RT_ABI_H
#define BRAID_RT_ABI_H

#include <stdint.h>

#define BRAID_ABI_VERSION 1

#define BRAID_SECTION_MANIFEST ".braid.manifest"
#define BRAID_SECTION_TOKENIZER ".braid.tokenizer"
#define BRAID_SECTION_GOLDEN ".braid.golden"
#define BRAID_SECTION_SEAL ".braid.seal"

/* Every address that the runtime hands to compiled code is a multiple of this:
 * the arena, each pool, each weight. */
#define BRAID_ALIGNMENT 64

#define BRAID_SEAL_MAGIC "BRAIDSL1" /* 8 bytes, no terminator */
#define BRAID_GOLDEN_MAGIC "BRAIDGL1"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct braid_seal {
  char magic[8];
  uint8_t sha256[32];
} braid_seal;

/* Little-endian. Followed by
 *   int32 lengths[sequences]    tokens of each sequence, each at least 3
 *   int32 ids[rows]             of all sequences, one after another
 * and then for each of these rows, in the same order,
 *   float log_sum_exp           of its logits
 *   float largest               absolute logit
 *   int32 top_ids[top]          of the largest logits, descending
 *   float top_logits[top]
 *   float columns[columns]      logits of the ids c * vocabulary / columns */
typedef struct braid_golden {
  char magic[8];
  uint32_t sequences, rows, top, columns;
} braid_golden;

/* One slice of a parallel region: items lo <= i < hi. May run on any thread.
 * `scratch` is this thread's private memory (manifest: step.thread_scratch). */
typedef void (*braid_body_fn)(void *captures, int64_t lo, int64_t hi,
                              void *scratch);

/* What compiled code may ask of the runtime. */
typedef struct braid_services {
  /* Runs body over 0 <= i < n in slices of at least `grain` items, on all
   * threads of the engine, and returns when every item is done. Which thread
   * takes which slice is not fixed; results must not depend on it.
   * `kernel` is the index in the manifest's kernel list, for profiles. */
  void (*parallel_for)(const struct braid_services *self, braid_body_fn body,
                       void *captures, int64_t n, int64_t grain,
                       int64_t kernel);
} braid_services;

/* One step: the next rows of one or more sequences.
 * Rows of all sequences lie packed one after another: sequence s owns rows
 * row_begin[s] <= r < row_begin[s+1], the first of which has the absolute
 * position position[s] in its sequence. A sequence at position 0 has no
 * history: whatever its slot holds is ignored. No two sequences of a step share
 * a slot. REQUIRES rows >= 1, sequences >= 1, every range non-empty. */
typedef struct braid_step {
  const braid_services *services;
  const void *const *weights; /* [manifest weights.count], packed layout */
  void *const *pools;         /* [manifest state.pools], see there */
  void *arena;                /* step.arena_fixed + step.arena_per_row * rows bytes */
  int64_t rows;
  int64_t sequences;
  int64_t slots;              /* slots of every pool */
  int64_t context;            /* tokens a slot of a per-token pool can hold */
  const int32_t *ids;         /* [rows], 0 <= id < vocabulary */
  const int32_t *row_begin;   /* [sequences + 1] */
  const int32_t *position;    /* [sequences] */
  const int32_t *slot;        /* [sequences], 0 <= slot < slots */
  int64_t outputs;            /* rows whose logits are wanted, may be 0 */
  const int32_t *output_rows; /* [outputs], ascending, 0 <= row < rows */
  float *logits;              /* [outputs, vocabulary] */
  int64_t taps;               /* 0, or layers + 1 */
  float *hidden;              /* [taps, rows, hidden]: embedding, then each layer */
} braid_step;

typedef void (*braid_step_fn)(const braid_step *step);

/* Turns one stored tensor, or one expert of a stack, into its packed layout.
 * sources[i] points at the bytes of the i-th source of the weight's manifest
 * entry, dest at the packed bytes. */
typedef void (*braid_prepare_fn)(const void *const *sources, void *dest);

#ifdef __cplusplus
}
#endif
#endif /* BRAID_RT_ABI_H */
