//===- PreTokenizer.h - text to words ---------------------------*- C++ -*-===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef BRAID_RT_TEXT_PRETOKENIZER_H
#define BRAID_RT_TEXT_PRETOKENIZER_H

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace braid::rt {
class JsonCursor;

/// A regular expression or a literal of a tokenizer.json. Immutable,
/// thread-safe.
class Regex {
public:
  /// `pattern` is in the syntax of Oniguruma, which the files are written for.
  /// Throws Error through `where` for what PCRE2 would refuse or read
  /// otherwise.
  static Regex fromPattern(const std::string &pattern, const JsonCursor &where);
  static Regex fromLiteral(const std::string &text, const JsonCursor &where);

  struct Piece {
    std::string_view text;
    bool isMatch;
  };
  /// Memory for searches of any pattern. One thread at a time.
  struct Scratch;
  static std::shared_ptr<Scratch> makeScratch();

  /// Cuts `text` into matches and what is between them, in order, leaving out
  /// empty pieces; overwrites `pieces`. REQUIRES: `text` is UTF-8. Throws Error
  /// if a match needs more steps or memory than allowed.
  void cut(std::string_view text, Scratch &scratch,
           std::vector<Piece> &pieces) const;

private:
  struct Code;
  std::shared_ptr<const Code> code;
};

/// "pre_tokenizer" of a tokenizer.json: Split, ByteLevel (at the end, and
/// never missing) and Sequence. Immutable, thread-safe.
class PreTokenizer {
public:
  explicit PreTokenizer(const JsonCursor &json);

  /// The words of `text`, none empty. They are views into `text` or, if spaces
  /// had to be put before them, into `storage`, which is overwritten.
  /// REQUIRES: `text` is UTF-8.
  std::vector<std::string_view> split(std::string_view text,
                                      std::string &storage) const;

private:
  enum class Behavior {
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous
  };
  struct Stage {
    Regex regex;
    Behavior behavior;
    bool invert;
  };

  void add(const JsonCursor &json);
  void addSplit(const JsonCursor &json);
  void addByteLevel(const JsonCursor &json);
  static void run(const std::vector<Stage> &stages, Regex::Scratch &scratch,
                  std::vector<std::string_view> &words);
  static void regroup(const std::vector<Regex::Piece> &pieces,
                      const Stage &stage, std::vector<std::string_view> &words);

  std::vector<Stage> stages;
  bool hasByteLevel = false;
  bool addPrefixSpace = false;
  /// ByteLevel's own split comes after the prefix space.
  std::vector<Stage> lastStages;
};

} // namespace braid::rt

#endif // BRAID_RT_TEXT_PRETOKENIZER_H
