//===- artifact_fuzzer.cpp - any file as an artefact ----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The reader as it is refuses nearly everything at the seal. So its parts are
// also called as if the seal were right: whoever makes an artefact can seal it.
//===----------------------------------------------------------------------===//
#include "MemoryFile.h"
#include "braid-rt/abi.h"
#include "braid-rt/artifact.h"
#include "braid-rt/error.h"
#include "braid-rt/tokenizer.h"
#include "core/Elf.h"

using namespace braid::rt;

static std::string_view textOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

static void readParts(std::span<const std::byte> file) {
  Elf elf(file, "fuzz");
  elf.section(BRAID_SECTION_SEAL);
  if (auto manifest = elf.section(BRAID_SECTION_MANIFEST))
    parseManifest(textOf(*manifest), "fuzz");
  if (auto tokenizer = elf.section(BRAID_SECTION_TOKENIZER))
    Tokenizer::fromJson(textOf(*tokenizer), "fuzz");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    if (size > 0 && data[0] == '{')
      parseManifest({reinterpret_cast<const char *>(data), size}, "fuzz");
    else
      readParts(std::as_bytes(std::span(data, size)));
  } catch (const Error &) {
  }
  try {
    Artifact::open(MemoryFile(data, size).path());
  } catch (const Error &) {
  }
  return 0;
}
