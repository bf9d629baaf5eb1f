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
 *   .braid.gpu.T.ptx  the kernels of GPU target T as one module of PTX
 *   .braid.gpu.T.cubin the same, assembled one by one (may be absent)
 *   .braid.seal       braid_seal: magic and the SHA-256 over the whole file,
 *                     taken with the 32 bytes of `sha256` set to zero
 * and exports the functions that its manifest names:
 *   braid_step        braid_step_fn, on the CPU
 *   braid_step_T      braid_step_fn, on a GPU of target T: computes sizes and
 *                     addresses, and launches kernels
 *   sim_T_K           braid_sim_fn of T's kernel K, if compiled --with-sim
 *   braid_prepare_*   braid_prepare_fn, one per distinct weight preparation
 *===----------------------------------------------------------------------===*/
#ifndef BRAID_RT_ABI_H
#define BRAID_RT_ABI_H

#include <stdint.h>

#define BRAID_ABI_VERSION 5

#define BRAID_SECTION_MANIFEST ".braid.manifest"
#define BRAID_SECTION_TOKENIZER ".braid.tokenizer"
#define BRAID_SECTION_GOLDEN ".braid.golden"
#define BRAID_SECTION_SEAL ".braid.seal"
#define BRAID_SECTION_GPU_PREFIX ".braid.gpu."

/* Every address that the runtime hands to compiled code is a multiple of this:
 * the arena, each pool, each weight. */
#define BRAID_ALIGNMENT 64

/* A slot of a pool that holds entries per token can be read up to the end of
 * its sequence, rounded up to a multiple of this (and to its context): what
 * lies between is zero or of an earlier sequence. Beyond there may be no memory. */
#define BRAID_POOL_TOKENS 256

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

/* Rows of bf16 in global memory of which a kernel copies tiles (TMA) of 64
 * columns. The 128 bytes of a tile's row lie in shared memory one row after
 * another, in chunks of 16: chunk c of row r at place c ^ r % 8. What a tile has
 * beyond the last row or column is zero. */
typedef struct braid_tensor_map {
  const void *data;       /* a multiple of 16 */
  int64_t rows, columns;
  int64_t row_bytes;      /* from row to row, a multiple of 16 */
  int64_t tile_rows;      /* 1 to 256 */
} braid_tensor_map;

#define BRAID_TILE_COLUMNS 64

/* The extent of a parameter that is the host's address of a braid_tensor_map.
 * A kernel on a GPU gets the 128 bytes that the driver makes of it. */
#define BRAID_TENSOR_MAP (-2)

/* A grid of blocks for one GPU kernel. */
typedef struct braid_launch {
  int64_t kernel;         /* its number in the manifest's list of the target */
  int64_t grid[3];        /* blocks; none if one of them is 0 */
  int64_t count;          /* parameters, each 8 bytes */
  const uint64_t *values; /* [count] */
  const int64_t *extents; /* [count] bytes behind an address, BRAID_TENSOR_MAP,
                           * or -1 */
} braid_launch;

/* What compiled code may ask of the runtime. */
typedef struct braid_services {
  /* Runs body over 0 <= i < n in slices of at least `grain` items, on all
   * threads of the engine, and returns when every item is done. Which thread
   * takes which slice is not fixed; results must not depend on it.
   * `kernel` is the index in the manifest's kernel list, for profiles. */
  void (*parallel_for)(const struct braid_services *self, braid_body_fn body,
                       void *captures, int64_t n, int64_t grain,
                       int64_t kernel);
  /* Runs a kernel on the GPU after all launches before it. Errors are kept for
   * the end of the step. */
  void (*launch)(const struct braid_services *self,
                 const braid_launch *launch);
  /* Says that the launches that follow belong to a layer; -1: to none, as at
   * the beginning of a step. For messages. */
  void (*layer)(const struct braid_services *self, int64_t layer);
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
  const float *temperatures;  /* [outputs]: how to choose, see braid.sample; */
  const int32_t *keys;        /* [outputs]  below 0 nothing is chosen */
  float *logits;              /* [outputs, vocabulary] */
  int32_t *chosen;            /* [outputs] ids; -1 - v: logit v is no number */
  int64_t taps;               /* 0, or layers + 1 */
  float *hidden;              /* [taps, rows, hidden]: embedding, then each layer */
  /* Where GPU kernels find this structure; its addresses are the device's, and
   * `weights` and `pools` are tables of addresses that only the host reads. */
  const struct braid_step *device;
} braid_step;

typedef void (*braid_step_fn)(const braid_step *step);

/* What the simulator gives to each simulated thread: who it is, and what it may
 * ask for. Every call names its `site`, a line that errors repeat. */
typedef struct braid_sim {
  int64_t thread[3], threads[3]; /* place in the block; its size */
  int64_t block[3], blocks[3];   /* place in the grid; its size */
  void *shared;                  /* the block's shared memory */
  const struct braid_sim_calls *calls;
} braid_sim;

typedef struct braid_sim_calls {
  /* Announces that `bytes` at `address` are about to be read or written. */
  void (*access)(braid_sim *self, const char *site, void *address,
                 int64_t bytes, int32_t write);
  /* Waits for all threads of the block. */
  void (*barrier)(braid_sim *self, const char *site);
  /* Waits for the lanes in `mask`. */
  void (*sync_warp)(braid_sim *self, const char *site, int32_t mask);
  /* shfl.sync: the value of another lane in the low 32 bits, whether that lane
   * exists in bit 32. kind 0: bfly, 1: up, 2: down, 3: idx. */
  int64_t (*shuffle)(braid_sim *self, const char *site, int32_t mask,
                     int32_t value, int32_t offset, int32_t clamp,
                     int32_t kind);
  /* cp.async: begins to copy `bytes` to shared memory, and zeros after them up
   * to `size` (4, 8 or 16). */
  void (*copy_async)(braid_sim *self, const char *site, void *shared,
                     const void *global, int32_t size, int32_t bytes);
  /* Makes a group of the thread's copies since the last one. */
  void (*commit_copies)(braid_sim *self, const char *site);
  /* Waits for all but the latest `groups` of the thread's groups. */
  void (*wait_copies)(braid_sim *self, const char *site, int32_t groups);
  /* ldmatrix: `count` matrices of 8 x 8 16-bit elements into words[count] of
   * every lane. `row` is this lane's row of 16 bytes: lane 8 m + r brings row r
   * of matrix m, the other lanes bring nothing. */
  void (*load_matrix)(braid_sim *self, const char *site, const void *row,
                      int32_t count, int32_t transposed, uint32_t *words);
  /* mma.sync m16n8k16, bf16 times bf16 into f32: words holds this lane's parts
   * of A[4], B[2] and C[4]; the sum replaces C. */
  void (*multiply)(braid_sim *self, const char *site, uint32_t *words);
  /* redux.sync.add: the sum of the values of the lanes in `mask`. */
  int32_t (*sum_lanes)(braid_sim *self, const char *site, int32_t mask,
                       int32_t value);
  /* match.any.sync: which lanes in `mask` bring the same value. */
  int32_t (*match_lanes)(braid_sim *self, const char *site, int32_t mask,
                         int32_t value);
  /* mbarrier.init: phases of `arrivals` arrivals each. */
  void (*mbarrier_init)(braid_sim *self, const char *site, void *mbarrier,
                        int32_t arrivals);
  /* mbarrier.arrive, after the phase was told to expect that many bytes. */
  void (*mbarrier_arrive)(braid_sim *self, const char *site, void *mbarrier,
                          int32_t bytes);
  /* mbarrier.try_wait.parity: 1 when the phase of that parity is complete. */
  int32_t (*mbarrier_wait)(braid_sim *self, const char *site, void *mbarrier,
                           int32_t parity);
  /* fence.mbarrier_init and fence.proxy.async: what the thread has initialised,
   * and written to shared memory, is seen by asynchronous operations. */
  void (*fence_mbarriers)(braid_sim *self, const char *site);
  void (*fence_async)(braid_sim *self, const char *site);
  /* cp.async.bulk.tensor: begins to copy the tile at (row, column), whose bytes
   * the mbarrier's phase then no longer expects. */
  void (*copy_tile)(braid_sim *self, const char *site, void *shared,
                    const braid_tensor_map *map, int32_t column, int32_t row,
                    void *mbarrier);
  /* wgmma.mma_async m64nNk16, bf16 times bf16 into f32: words holds this
   * thread's parts of C[N / 2] and A[4], `b` describes B, N rows of 16, in shared
   * memory. The sum replaces C. */
  void (*wgmma)(braid_sim *self, const char *site, uint32_t *words, int32_t n,
                uint64_t b);
  void (*wgmma_fence)(braid_sim *self, const char *site);
  void (*wgmma_commit)(braid_sim *self, const char *site);
  void (*wgmma_wait)(braid_sim *self, const char *site, int64_t groups);
  /* Announces that a sum of wgmma is about to be read by something else. */
  void (*wgmma_read)(braid_sim *self, const char *site);
} braid_sim_calls;

/* One thread of a kernel; `parameters` as in braid_launch. */
typedef void (*braid_sim_fn)(braid_sim *self, const uint64_t *parameters);

/* Turns one stored tensor, or one expert of a stack, into its packed layout.
 * sources[i] points at the bytes of the i-th source of the weight's manifest
 * entry, dest at the packed bytes. */
typedef void (*braid_prepare_fn)(const void *const *sources, void *dest);

#ifdef __cplusplus
}
#endif
#endif /* BRAID_RT_ABI_H */
