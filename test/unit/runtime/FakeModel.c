/*===- FakeModel.c - an artefact whose numbers a test can foretell ---------===*
 *
 * Part of the Braid project, under the Apache License v2.0 with LLVM
 * Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===----------------------------------------------------------------------===*
 *
 * Built as braid compile would build it: sections, a step for the CPU and one
 * for a GPU with its one kernel, two prepare functions. The most likely token after id i is i + 1; by how much depends on
 * everything the sequence has seen, read back from both pools, so that a wrong
 * byte anywhere in a sequence's state shows in the logits. With BRAID_FAKE_GPU
 * the GPU's code is in several kernels and "assembled".
 *===----------------------------------------------------------------------===*/
#include "braid-rt/abi.h"

#define VOCABULARY 16
#define HIDDEN 4
#define LAYERS 2

#define SECTION(name) __attribute__((section(name), used))

#ifdef BRAID_FAKE_GPU
#define GPUS                                                                   \
  "\"gpus\": [{\"target\": \"sm_90a\", \"exact\": true, \"cubin\": true, "       \
  "\"ptx_version\": \"8.3\", \"ptxas\": \"13.0\","                              \
  "\"entry\": \"braid_step_sm_90a\", \"kernels\": ["                             \
  "{\"name\": \"take\", \"sim\": \"sim_sm_90a_take\", \"kernel\": 0, "           \
  " \"threads\": 32, \"shared_bytes\": 0, \"cubin_at\": [0, 8]},"                  \
  "{\"name\": \"logits\", \"sim\": \"sim_sm_90a_logits\", \"kernel\": 0, "       \
  " \"threads\": 64, \"shared_bytes\": 65536, \"cubin_at\": [8, 8]},"              \
  "{\"name\": \"hidden\", \"sim\": \"sim_sm_90a_hidden\", \"kernel\": 0, "       \
  " \"threads\": 32, \"shared_bytes\": 0, \"cubin_at\": [16, 8]}]}],"
#else
/* One kernel of one thread, not assembled. */
#define GPUS                                                                   \
  "\"gpus\": [{\"target\": \"sm_90a\", \"entry\": \"braid_step_sm_90a\","      \
  " \"ptx_version\": \"8.3\", \"exact\": true, \"cubin\": false,"              \
  " \"kernels\": [{\"name\": \"all\", \"kernel\": 0, \"threads\": 1,"         \
  " \"shared_bytes\": 16, \"sim\": \"sim_sm_90a_all\", \"cubin_at\": [0, 8]}]}],"
#endif

#define MANIFEST                                                               \
  "{\"schema\": 1, \"abi\": 5," GPUS                                           \
  "\"producer\": {\"braid\": \"0.1.0\", \"llvm\": \"22.1.8\"},"                \
  "\"model\": {\"type\": \"fake\", \"layers\": 2, \"pattern\": \"M*\","        \
  " \"hidden\": 4, \"vocabulary\": 16, \"context\": 4096},"                    \
  "\"precision\": \"f32\","                                                    \
  "\"target\": {\"isa\": \"cpu\", \"triple\": \"\", \"cpu\": \"\","            \
  " \"features\": []},"                                                        \
  "\"step\": {\"entry\": \"braid_step_entry\", \"arena_fixed\": 64,"           \
  " \"arena_per_row\": 64, \"thread_scratch\": 256},"                          \
  "\"kernels\": [{\"name\": \"logits\", \"op\": \"fake\"}],"                   \
  "\"state\": {\"pools\": ["                                                   \
  "{\"name\": \"sum\", \"dtype\": \"i64\", \"shape\": [\"layers\", \"slots\"," \
  " 3], \"layers\": 2, \"element_bytes\": 8},"                                 \
  "{\"name\": \"k\", \"dtype\": \"i32\", \"shape\": [\"layers\", \"slots\","   \
  " 2, \"context\", 3], \"layers\": 2, \"element_bytes\": 4}]},"               \
  "\"weights\": {\"mode\": \"pack\", \"bytes\": 4544, \"count\": 3,"           \
  "\"header_sha256\": "                                                        \
  "\"0000000000000000000000000000000000000000000000000000000000000000\","      \
  "\"source_dir\": \"checkpoint\", \"entries\": ["                             \
  "{\"name\": \"bias\", \"tensor\": \"bias\", \"layers\": [-1],"               \
  " \"experts\": 0, \"table\": 0, \"offset\": 4096, \"layer_stride\": 0,"      \
  " \"expert_stride\": 0, \"bytes\": 64, \"prepare\": \"braid_prepare_0\","    \
  " \"sources\": [{\"suffix\": \"\", \"dtype\": \"F32\", \"shape\": [16],"     \
  " \"init\": \"uniform:0.5\"}]},"                                             \
  "{\"name\": \"up\", \"tensor\": \"layers.{L}.experts.{E}.up\","              \
  " \"layers\": [0, 1], \"experts\": 3, \"table\": 1, \"offset\": 4160,"       \
  " \"layer_stride\": 192, \"expert_stride\": 64, \"bytes\": 16,"              \
  " \"prepare\": \"braid_prepare_1\", \"sources\": [{\"suffix\": \".weight\"," \
  " \"dtype\": \"F32\", \"shape\": [4], \"init\": \"log_uniform:1:16\"}]}]},"  \
  "\"generation\": {\"bos\": null, \"eos\": [9], \"pad\": 0},"                 \
  "\"tokenizer\": {\"chat_template\": true, \"add_bos\": false}}"

/* a..n, and the two bytes of e with an acute accent in the byte-level alphabet. */
#define TOKENIZER                                                              \
  "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null,"            \
  "\"added_tokens\": [], \"normalizer\": null, \"pre_tokenizer\":"             \
  "{\"type\": \"ByteLevel\", \"add_prefix_space\": false,"                     \
  " \"trim_offsets\": true, \"use_regex\": true},"                             \
  "\"post_processor\": null, \"decoder\": {\"type\": \"ByteLevel\","           \
  " \"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": true}," \
  "\"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": null,"     \
  " \"continuing_subword_prefix\": null, \"end_of_word_suffix\": null,"        \
  " \"fuse_unk\": false, \"byte_fallback\": false, \"vocab\": {\"a\": 0,"      \
  " \"b\": 1, \"c\": 2, \"d\": 3, \"e\": 4, \"f\": 5, \"g\": 6, \"h\": 7,"     \
  " \"i\": 8, \"j\": 9, \"k\": 10, \"l\": 11, \"m\": 12, \"n\": 13,"           \
  " \"\\u00c3\": 14, \"\\u00a9\": 15}, \"merges\": []}}"

SECTION(BRAID_SECTION_MANIFEST)
const char manifest[sizeof(MANIFEST) - 1] = MANIFEST;
SECTION(BRAID_SECTION_TOKENIZER)
const char tokenizer[sizeof(TOKENIZER) - 1] = TOKENIZER;
#ifndef BRAID_FAKE_GPU
SECTION(BRAID_SECTION_GPU_PREFIX "sm_90a.ptx")
const char ptx[] = ".version 8.3";
#endif
SECTION(BRAID_SECTION_SEAL) const braid_seal seal = {BRAID_SEAL_MAGIC, {0}};

/* Packed backwards, so that an unpacked weight would show. */
void braid_prepare_0(const void *const *sources, void *dest) {
  const float *from = sources[0];
  for (int i = 0; i < VOCABULARY; ++i)
    ((float *)dest)[i] = from[VOCABULARY - 1 - i];
}

void braid_prepare_1(const void *const *sources, void *dest) {
  const float *from = sources[0];
  for (int i = 0; i < 4; ++i)
    ((float *)dest)[i] = from[i];
}

static int64_t *sum_of(const braid_step *s, int layer, int64_t slot) {
  return (int64_t *)s->pools[0] + (layer * s->slots + slot) * 3;
}

static int32_t *k_of(const braid_step *s, int layer, int64_t slot, int head) {
  return (int32_t *)s->pools[1] +
         ((layer * s->slots + slot) * 2 + head) * s->context * 3;
}

/* Takes one token into the state. */
static void remember(const braid_step *s, int64_t slot, int32_t at,
                     int32_t id) {
  for (int layer = 0; layer < LAYERS; ++layer) {
    int64_t *sum = sum_of(s, layer, slot);
    for (int i = 0; i < 3; ++i)
      sum[i] = (at == 0 ? 0 : sum[i]) + (id + 1) * (at + layer + i + 1);
    for (int head = 0; head < 2; ++head)
      for (int i = 0; i < 3; ++i)
        k_of(s, layer, slot, head)[at * 3 + i] = id * (head + 1) + i + layer;
  }
}

/* A number below 4096 that every byte of the state takes part in. */
static float digest(const braid_step *s, int64_t slot, int32_t length) {
  uint64_t hash = 1;
  for (int layer = 0; layer < LAYERS; ++layer) {
    for (int i = 0; i < 3; ++i)
      hash = hash * 31 + (uint64_t)sum_of(s, layer, slot)[i];
    for (int head = 0; head < 2; ++head)
      for (int32_t i = 0; i < length * 3; ++i)
        hash = hash * 31 + (uint64_t)k_of(s, layer, slot, head)[i];
  }
  return (float)(hash % 4096);
}

struct row {
  float certainty;
  int32_t next;
  int32_t pad[14];
};

/* The most likely id, whatever the temperature. */
static void choose(const braid_step *s, int64_t output) {
  const float *line = s->logits + output * VOCABULARY;
  int best = 0;
  for (int v = 1; v < VOCABULARY; ++v)
    best = line[v] > line[best] ? v : best;
  if (s->temperatures[output] >= 0)
    s->chosen[output] = best;
}

static void logits_body(void *captures, int64_t lo, int64_t hi,
                        void *scratch) {
  const braid_step *s = captures;
  const struct row *rows = s->arena;
  const float *bias = s->weights[0];
  for (int64_t o = lo; o < hi; ++o) {
    float *line = scratch; /* private to this thread */
    for (int v = 0; v < VOCABULARY; ++v)
      line[v] = bias[VOCABULARY - 1 - v];
    const struct row *r = rows + s->output_rows[o];
    line[r->next] += 100 + r->certainty;
    for (int layer = 0; layer < LAYERS; ++layer)
      line[0] += ((const float *)s->weights[1 + layer])[2 * 16 + 1];
    for (int v = 0; v < VOCABULARY; ++v)
      s->logits[o * VOCABULARY + v] = line[v];
    choose(s, o);
  }
}

static void remember_all(const braid_step *s) {
  struct row *rows = s->arena;
  for (int64_t q = 0; q < s->sequences; ++q)
    for (int32_t r = s->row_begin[q]; r < s->row_begin[q + 1]; ++r) {
      int32_t at = s->position[q] + r - s->row_begin[q];
      remember(s, s->slot[q], at, s->ids[r]);
      rows[r].certainty = digest(s, s->slot[q], at + 1);
      rows[r].next = (s->ids[r] + 1) % VOCABULARY;
    }
  for (int64_t t = 0; t < s->taps; ++t)
    for (int64_t i = 0; i < s->rows * HIDDEN; ++i)
      s->hidden[t * s->rows * HIDDEN + i] = (float)(t * 1000 + i);
}

void braid_step_entry(const braid_step *s) {
  remember_all(s);
  s->services->parallel_for(s->services, logits_body, (void *)s, s->outputs, 1,
                            0);
}

#ifdef BRAID_FAKE_GPU

/* The assembled kernels are any bytes: nobody here can run them. */
SECTION(BRAID_SECTION_GPU_PREFIX "sm_90a.cubin")
const char cubin[24] = "\x7f""CUBIN 1\x7f""CUBIN 2\x7f""CUBIN 3";

#define ENTRY(name, threads) ".entry " #name "(" name##_PARAMETERS ")\n"        \
                             ".maxntid " #threads ", 1, 1\n{ ret; }\n"
#define ADDRESS ".param .u64 .ptr .align 1 p_"
#define NUMBER ".param .u64 p_"
#define take_PARAMETERS ADDRESS "," ADDRESS "," ADDRESS "," ADDRESS "," ADDRESS
#define logits_PARAMETERS take_PARAMETERS "," ADDRESS "," ADDRESS "," ADDRESS
#define hidden_PARAMETERS ADDRESS "," NUMBER
#define PTX                                                                    \
  ".version 8.3\n" ENTRY(take, 32) ENTRY(logits, 64) ENTRY(hidden, 32)
SECTION(BRAID_SECTION_GPU_PREFIX "sm_90a.ptx")
const char ptx[sizeof(PTX) - 1] = PTX;

#define AT(type, i) ((type *)parameters[i])

/* The id that a kernel fails at. */
#define TROUBLE 15

/* A block takes one sequence's tokens, and touches what is not its own when it
 * meets TROUBLE. step, sum, k, ids, arena. */
void sim_sm_90a_take(braid_sim *self, const uint64_t *parameters) {
  if (self->thread[0] != 0)
    return;
  braid_step s = *AT(const braid_step, 0);
  void *pools[] = {AT(void, 1), AT(void, 2)};
  s.pools = pools;
  struct row *rows = AT(struct row, 4);
  int64_t q = self->block[0];
  for (int32_t r = s.row_begin[q]; r < s.row_begin[q + 1]; ++r) {
    int32_t at = s.position[q] + r - s.row_begin[q], id = AT(int32_t, 3)[r];
    if (id == TROUBLE)
      self->calls->access(self, "take: trouble", (void *)64, 4, 1);
    remember(&s, s.slot[q], at, id);
    rows[r].certainty = digest(&s, s.slot[q], at + 1);
    rows[r].next = (id + 1) % VOCABULARY;
  }
}

/* A block makes one line. arena, output_rows, bias, up, up, logits,
 * temperatures, chosen. */
void sim_sm_90a_logits(braid_sim *self, const uint64_t *parameters) {
  if (self->thread[0] != 0)
    return;
  const void *weights[] = {AT(void, 2), AT(void, 3), AT(void, 4)};
  braid_step s = {0};
  s.arena = AT(void, 0), s.output_rows = AT(const int32_t, 1);
  s.weights = weights, s.logits = AT(float, 5);
  s.temperatures = AT(const float, 6), s.chosen = AT(int32_t, 7);
  float line[VOCABULARY];
  logits_body(&s, self->block[0], self->block[0] + 1, line);
}

/* A block makes one tap. hidden, rows. */
void sim_sm_90a_hidden(braid_sim *self, const uint64_t *parameters) {
  int64_t count = (int64_t)parameters[1] * HIDDEN, t = self->block[0];
  for (int64_t i = 0; i < count && self->thread[0] == 0; ++i)
    AT(float, 0)[t * count + i] = (float)(t * 1000 + i);
}

static void launch(const braid_step *s, int64_t kernel, int64_t blocks,
                   int64_t count, const uint64_t *values) {
  int64_t extents[8];
  for (int i = 0; i < 8; ++i)
    extents[i] = 1 << 30;
  braid_launch l = {kernel, {blocks, 1, 1}, count, values, extents};
  s->services->launch(s->services, &l);
}

void braid_step_sm_90a(const braid_step *s) {
  uint64_t take[] = {(uint64_t)s->device, (uint64_t)s->pools[0],
                     (uint64_t)s->pools[1], (uint64_t)s->ids,
                     (uint64_t)s->arena};
  s->services->layer(s->services, 1);
  launch(s, 0, s->sequences, 5, take);
  s->services->layer(s->services, -1);
  uint64_t hidden[] = {(uint64_t)s->hidden, (uint64_t)s->rows};
  launch(s, 2, s->taps, 2, hidden);
  uint64_t logits[] = {(uint64_t)s->arena,      (uint64_t)s->output_rows,
                       (uint64_t)s->weights[0], (uint64_t)s->weights[1],
                       (uint64_t)s->weights[2], (uint64_t)s->logits,
                       (uint64_t)s->temperatures, (uint64_t)s->chosen};
  launch(s, 1, s->outputs, 8, logits);
}

#else

/* One thread does it all, and tells the simulator of its reads of ids. */
void sim_sm_90a_all(braid_sim *self, const uint64_t *parameters) {
  const braid_step *s = (const braid_step *)parameters[0];
  float scratch[VOCABULARY];
  for (int64_t r = 0; r < s->rows; ++r)
    self->calls->access(self, "all: ids", (void *)&s->ids[r], 4, 0);
  remember_all(s);
  logits_body((void *)s, 0, s->outputs, scratch);
}

void braid_step_sm_90a(const braid_step *s) {
  uint64_t values[] = {(uint64_t)s->device, (uint64_t)s->ids};
  int64_t extents[] = {sizeof(braid_step), 4 * s->rows};
  braid_launch launch = {0, {1, 1, 1}, 2, values, extents};
  s->services->launch(s->services, &launch);
}

#endif /* BRAID_FAKE_GPU */
