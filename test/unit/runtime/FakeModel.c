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
 * byte anywhere in a sequence's state shows in the logits.
 *===----------------------------------------------------------------------===*/
#include "braid-rt/abi.h"

#define VOCABULARY 16
#define HIDDEN 4
#define LAYERS 2

#define SECTION(name) __attribute__((section(name), used))

#define MANIFEST                                                               \
  "{\"schema\": 1, \"abi\": 2,"                                                \
  "\"producer\": {\"braid\": \"0.1.0\", \"llvm\": \"22.1.8\"},"                \
  "\"model\": {\"type\": \"fake\", \"layers\": 2, \"pattern\": \"M*\","        \
  " \"hidden\": 4, \"vocabulary\": 16, \"context\": 4096,"                     \
  " \"parameters\": 40},"                                                      \
  "\"precision\": \"f32\","                                                    \
  "\"target\": {\"isa\": \"cpu\", \"triple\": \"\", \"cpu\": \"\","            \
  " \"features\": []},"                                                        \
  "\"step\": {\"entry\": \"braid_step_entry\", \"arena_fixed\": 64,"           \
  " \"arena_per_row\": 64, \"thread_scratch\": 256},"                          \
  "\"kernels\": [{\"name\": \"logits\", \"op\": \"fake\"}],"                   \
  "\"gpus\": [{\"target\": \"sm_90a\", \"entry\": \"braid_step_sm_90a\","      \
  " \"ptx_version\": \"8.3\", \"exact\": true, \"cubin\": false,"              \
  " \"kernels\": [{\"name\": \"all\", \"kernel\": 0, \"threads\": 1,"         \
  " \"shared_bytes\": 16, \"sim\": \"sim_sm_90a_all\"}]}],"                    \
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
SECTION(BRAID_SECTION_GPU_PREFIX "sm_90a.ptx")
const char ptx[] = ".version 8.3";
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
