//===- Elf.cpp - sections of an ELF file ----------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Elf.h"
#include "braid-rt/error.h"

#include <cstdint>
#include <cstring>
#include <elf.h>

namespace braid::rt {

#if defined(__x86_64__)
static constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
static constexpr uint16_t kMachine = EM_AARCH64;
#else
#error "no ELF machine number for this architecture"
#endif

namespace {

/// Copies headers out of untrusted bytes.
struct Reader {
  std::span<const std::byte> bytes;
  const std::string &name;

  std::span<const std::byte> range(uint64_t offset, uint64_t count,
                                   const std::string &what) const {
    if (offset > bytes.size() || count > bytes.size() - offset)
      throw Error(name + ": " + what + " lies outside of the file (offset " +
                      std::to_string(offset) + ", " + std::to_string(count) +
                      " bytes, file has " + std::to_string(bytes.size()) + ")",
                  "the file is cut or damaged; copy it again");
    return bytes.subspan(offset, count);
  }
  template <typename T> T get(uint64_t offset, const std::string &what) const {
    T value;
    std::memcpy(&value, range(offset, sizeof(T), what).data(), sizeof(T));
    return value;
  }
};

} // namespace

static Elf64_Ehdr fileHeader(const Reader &reader) {
  const std::string &name = reader.name;
  if (reader.bytes.size() < sizeof(Elf64_Ehdr) ||
      std::memcmp(reader.bytes.data(), ELFMAG, SELFMAG) != 0)
    throw Error(name + ": not an ELF file",
                "expected an artefact made by braid compile");
  auto header = reader.get<Elf64_Ehdr>(0, "the ELF header");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_DYN)
    throw Error(name + ": not a 64-bit little-endian ELF shared object");
  if (header.e_machine != kMachine)
    throw Error(name + ": was made for ELF machine " +
                    std::to_string(header.e_machine) + ", this machine is " +
                    std::to_string(kMachine),
                "compile the model for this machine's architecture");
  if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum == 0 ||
      header.e_shstrndx >= header.e_shnum)
    throw Error(name + ": damaged ELF section table");
  return header;
}

/// The zero-terminated name at `index`.
static std::string_view nameAt(std::span<const std::byte> names,
                               uint64_t index, const std::string &file) {
  auto *text = reinterpret_cast<const char *>(names.data());
  const void *end = index < names.size() ? std::memchr(text + index, 0,
                                                       names.size() - index)
                                         : nullptr;
  if (!end)
    throw Error(file + ": damaged ELF section names");
  return {text + index, size_t(static_cast<const char *>(end) - text - index)};
}

Elf::Elf(std::span<const std::byte> bytes, const std::string &name)
    : fileName(name) {
  Reader reader{bytes, fileName};
  Elf64_Ehdr header = fileHeader(reader);
  reader.range(header.e_shoff, uint64_t(header.e_shnum) * sizeof(Elf64_Shdr),
               "the ELF section table");
  auto row = [&](uint64_t i) {
    return reader.get<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr),
                                  "an ELF section header");
  };
  Elf64_Shdr nameRow = row(header.e_shstrndx);
  auto names = reader.range(nameRow.sh_offset, nameRow.sh_size,
                            "the ELF section name table");
  for (uint64_t i = 1; i < header.e_shnum; ++i) {
    Elf64_Shdr section = row(i);
    std::string_view title = nameAt(names, section.sh_name, fileName);
    if (section.sh_type == SHT_NOBITS)
      continue;
    sections.push_back({title, reader.range(section.sh_offset, section.sh_size,
                                            "section " + std::string(title))});
  }
}

std::optional<std::span<const std::byte>>
Elf::section(std::string_view wanted) const {
  std::optional<std::span<const std::byte>> found;
  for (const Section &section : sections) {
    if (section.name != wanted)
      continue;
    if (found)
      throw Error(fileName + ": two sections named " + std::string(wanted));
    found = section.bytes;
  }
  return found;
}

} // namespace braid::rt
