//===- PreTokenizer.cpp - text to words -----------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PreTokenizer.h"
#include "JsonCursor.h"
#include "Utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <algorithm>
#include <pcre2.h>

namespace braid::rt {

//===----------------------------------------------------------------------===//
// From Oniguruma's syntax to PCRE2's
//===----------------------------------------------------------------------===//

namespace {

/// Rewrites the escapes that both libraries have with different meanings, and
/// refuses class operators that PCRE2 would take for plain characters.
class SyntaxTranslator {
public:
  SyntaxTranslator(std::string_view pattern, const JsonCursor &where)
      : rest(pattern), where(where) {}

  std::string run() {
    while (!rest.empty()) {
      if (rest[0] == '\\' && rest.size() > 1)
        escape();
      else if (inClass)
        classCharacter();
      else
        plainCharacter();
    }
    return std::move(out);
  }

private:
  // Contents of classes. White_Space without U+180E, and words with all marks
  // and connectors: PCRE2 10.42 differs in both.
  static constexpr std::string_view space = "\\t-\\r\\x{85}\\p{Z}";
  static constexpr std::string_view word =
      "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
  static constexpr std::string_view hexDigit = "0-9A-Fa-f";

  void copy(size_t count) {
    out.append(rest.substr(0, count));
    rest.remove_prefix(std::min(count, rest.size()));
  }
  void replace(size_t count, std::string_view by) {
    out.append(by);
    rest.remove_prefix(count);
  }

  void escape() {
    switch (rest[1]) {
    case 's':
      return set(space, false);
    case 'S':
      return set(space, true);
    case 'w':
      return set(word, false);
    case 'W':
      return set(word, true);
    case 'h':
      return set(hexDigit, false);
    case 'H':
      return set(hexDigit, true);
    case 'u':
      return codePoint();
    default:
      return copy(2);
    }
  }

  void set(std::string_view contents, bool negated) {
    if (inClass && negated)
      where.fail("regular expression: \\" + std::string(1, rest[1]) +
                 " inside a character class is not supported");
    if (inClass)
      return replace(2, contents);
    out.append(negated ? "[^" : "[").append(contents);
    replace(2, "]");
  }

  /// \uHHHH
  void codePoint() {
    std::string digits(rest.substr(2, 4));
    if (digits.size() != 4 ||
        digits.find_first_not_of("0123456789abcdefABCDEF") != digits.npos)
      where.fail("regular expression: expected four hexadecimal digits after "
                 "\\u, found " +
                 JsonCursor::quoted(digits));
    replace(6, "\\x{" + digits + "}");
  }

  void classCharacter() {
    if (rest.substr(0, 2) == "[:") // a POSIX class
      return copy(std::max(rest.find(":]"), size_t(1)) + 2);
    if (rest[0] == '[' || rest.substr(0, 2) == "&&")
      where.fail("regular expression: nested or intersected character classes "
                 "are not supported");
    if (rest[0] == ']')
      inClass = false;
    copy(1);
  }

  void plainCharacter() {
    if (rest[0] == '[') {
      inClass = true;
      // A bracket right at the start stands for itself.
      return copy(rest.substr(0, 2) == "[]"    ? 2
                  : rest.substr(0, 3) == "[^]" ? 3
                  : rest.substr(0, 2) == "[^"  ? 2
                                               : 1);
    }
    if (rest.substr(0, 2) == "{,") // {,n} is {0,n}
      return replace(2, "{0,");
    if (rest.substr(0, 2) == "(?")
      checkOptions();
    copy(1);
  }

  /// (?m) makes the dot match newlines there, and anchors match at lines here.
  void checkOptions() {
    size_t end = rest.find_first_not_of("imsx-", 2);
    if (end != rest.npos && (rest[end] == ':' || rest[end] == ')') &&
        rest.substr(2, end - 2).find_first_of("ms") != rest.npos)
      where.fail("regular expression: the options m and s are not supported");
  }

  std::string out;
  std::string_view rest;
  const JsonCursor &where;
  bool inClass = false;
};

//===----------------------------------------------------------------------===//
// PCRE2
//===----------------------------------------------------------------------===//

constexpr size_t maxPatternBytes = 64 << 10;
constexpr size_t maxStages = 64;
constexpr uint32_t maxSteps = 10'000'000;
constexpr uint32_t maxHeapKiB = 64 << 10;
constexpr size_t maxJitStack = 1 << 20;

std::string describe(int code) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(code, text, sizeof(text));
  return reinterpret_cast<const char *>(text);
}

template <auto Free> struct Deleter {
  template <typename T> void operator()(T *pointer) const { Free(pointer); }
};
template <typename T, auto Free>
using Handle = std::unique_ptr<T, Deleter<Free>>;

using CompileContext =
    Handle<pcre2_compile_context, pcre2_compile_context_free>;

CompileContext makeCompileContext() {
  CompileContext context(pcre2_compile_context_create(nullptr));
  if (!context)
    throw std::bad_alloc();
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_set_max_pattern_length(context.get(), maxPatternBytes);
  return context;
}

int match(const pcre2_code *code, std::string_view text, size_t from,
          uint32_t options, pcre2_match_data *data,
          pcre2_match_context *context) {
  return pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()),
                     text.size(), from, options, data, context);
}

} // namespace

struct Regex::Scratch {
  Handle<pcre2_match_data, pcre2_match_data_free> data;
  Handle<pcre2_match_context, pcre2_match_context_free> context;
  Handle<pcre2_jit_stack, pcre2_jit_stack_free> stack;

  Scratch()
      : data(pcre2_match_data_create(1, nullptr)),
        context(pcre2_match_context_create(nullptr)),
        stack(pcre2_jit_stack_create(32 << 10, maxJitStack, nullptr)) {
    if (!data || !context)
      throw std::bad_alloc();
    pcre2_set_match_limit(context.get(), maxSteps);
    pcre2_set_heap_limit(context.get(), maxHeapKiB);
    if (stack)
      pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
  }

  /// Finds the first match at or after `from`; sets its bounds.
  bool find(const pcre2_code *code, std::string_view text, size_t from,
            size_t &start, size_t &end) {
    int found =
        match(code, text, from, PCRE2_NO_UTF_CHECK, data.get(), context.get());
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
      found = match(code, text, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                    data.get(), context.get());
    if (found == PCRE2_ERROR_NOMATCH)
      return false;
    if (found < 0)
      throw Error("cannot split the text: regular expression of the "
                  "pre-tokenizer: " +
                      describe(found) + " at byte " + std::to_string(from),
                  "a match may take " + std::to_string(maxSteps) +
                      " steps and " + std::to_string(maxHeapKiB) + " KiB");
    const size_t *bounds = pcre2_get_ovector_pointer(data.get());
    start = bounds[0], end = bounds[1];
    if (start < from || end < start)
      throw Error("cannot split the text: regular expression of the "
                  "pre-tokenizer moves backwards at byte " +
                  std::to_string(from));
    return true;
  }
};

std::shared_ptr<Regex::Scratch> Regex::makeScratch() {
  return std::make_shared<Scratch>();
}

struct Regex::Code {
  Handle<pcre2_code, pcre2_code_free> code;

  Code(const std::string &pattern, uint32_t options, const JsonCursor &where) {
    CompileContext context = makeCompileContext();
    int error = 0;
    size_t offset = 0;
    code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()),
                             pattern.size(), options | PCRE2_UTF, &error,
                             &offset, context.get()));
    if (!code)
      where.fail("regular expression: " + describe(error) + " at " +
                 std::to_string(offset) + " of " + JsonCursor::quoted(pattern));
    // Where code may not be made at run time, PCRE2 interprets.
    pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  }
};

Regex Regex::fromPattern(const std::string &pattern, const JsonCursor &where) {
  Regex regex;
  regex.code = std::make_shared<Code>(
      SyntaxTranslator(pattern, where).run(),
      PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, where);
  return regex;
}

Regex Regex::fromLiteral(const std::string &text, const JsonCursor &where) {
  Regex regex;
  regex.code = std::make_shared<Code>(text, PCRE2_LITERAL, where);
  return regex;
}

void Regex::cut(std::string_view text, Scratch &scratch,
                std::vector<Piece> &pieces) const {
  pieces.clear();
  auto add = [&](size_t begin, size_t end, bool isMatch) {
    if (begin != end)
      pieces.push_back({text.substr(begin, end - begin), isMatch});
  };
  size_t done = 0, from = 0, start, end;
  while (from < text.size() &&
         scratch.find(code->code.get(), text, from, start, end)) {
    add(done, start, false); // an empty match cuts here too
    add(start, end, true);
    done = from = end;
    if (start == end && end < text.size())
      from += utf8Step(text.substr(end)).length;
    else if (start == end)
      break;
  }
  add(done, text.size(), false);
}

//===----------------------------------------------------------------------===//
// PreTokenizer
//===----------------------------------------------------------------------===//

PreTokenizer::PreTokenizer(const JsonCursor &json) {
  add(json);
  if (!hasByteLevel)
    json.fail("expected ByteLevel at the end, found none",
              "supported is byte-level BPE");
}

void PreTokenizer::add(const JsonCursor &json) {
  const std::string &type = json.at("type").string();
  if (hasByteLevel)
    json.fail("expected ByteLevel at the end, found " +
              JsonCursor::quoted(type) + " after it");
  if (type == "Split")
    return addSplit(json);
  if (type == "ByteLevel")
    return addByteLevel(json);
  if (type != "Sequence")
    json.fail("pre-tokenizer " + JsonCursor::quoted(type) + " is not supported",
              "supported are ByteLevel, Split and Sequence");
  JsonCursor parts = json.at("pretokenizers");
  for (size_t i = 0, count = parts.arraySize(); i < count; ++i)
    add(parts.at(i));
}

void PreTokenizer::addSplit(const JsonCursor &json) {
  if (stages.size() == maxStages)
    json.fail("expected at most " + std::to_string(maxStages) +
              " splits, found more");
  static constexpr std::pair<const char *, Behavior> behaviors[] = {
      {"Removed", Behavior::Removed},
      {"Isolated", Behavior::Isolated},
      {"MergedWithPrevious", Behavior::MergedWithPrevious},
      {"MergedWithNext", Behavior::MergedWithNext},
      {"Contiguous", Behavior::Contiguous}};
  JsonCursor named = json.at("behavior");
  const auto *behavior =
      std::find_if(std::begin(behaviors), std::end(behaviors),
                   [&](auto &entry) { return named.string() == entry.first; });
  if (behavior == std::end(behaviors))
    named.fail("expected Removed, Isolated, MergedWithPrevious, MergedWithNext "
               "or Contiguous, found " +
               JsonCursor::quoted(named.string()));
  JsonCursor pattern = json.at("pattern");
  std::optional<JsonCursor> literal = pattern.find("String");
  JsonCursor source = literal ? *literal : pattern.at("Regex");
  stages.push_back({literal ? Regex::fromLiteral(source.string(), source)
                            : Regex::fromPattern(source.string(), source),
                    behavior->second, json.booleanOr("invert", false)});
}

void PreTokenizer::addByteLevel(const JsonCursor &json) {
  static const std::string gpt2 =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"
      "\\s+(?!\\S)|\\s+";
  hasByteLevel = true;
  addPrefixSpace = json.booleanOr("add_prefix_space", true);
  if (json.booleanOr("use_regex", true))
    lastStages.push_back(
        {Regex::fromPattern(gpt2, json), Behavior::Isolated, false});
}

/// Joins pieces to words as the stage's behavior says.
void PreTokenizer::regroup(const std::vector<Regex::Piece> &pieces,
                           const Stage &stage,
                           std::vector<std::string_view> &words) {
  bool previous = false; // whether the piece before was a delimiter
  size_t first = words.size();
  for (const Regex::Piece &piece : pieces) {
    bool isMatch = piece.isMatch != stage.invert;
    bool joins = false;
    switch (stage.behavior) {
    case Behavior::Removed:
      if (isMatch)
        continue;
      break;
    case Behavior::Isolated:
      break;
    case Behavior::MergedWithPrevious:
      joins = isMatch && !previous;
      break;
    case Behavior::MergedWithNext:
      joins = !isMatch && previous;
      break;
    case Behavior::Contiguous:
      joins = isMatch == previous;
      break;
    }
    previous = isMatch;
    // Pieces are neighbours in memory, so joining is lengthening.
    if (joins && words.size() > first)
      words.back() = {words.back().data(),
                      words.back().size() + piece.text.size()};
    else
      words.push_back(piece.text);
  }
}

void PreTokenizer::run(const std::vector<Stage> &stages,
                       Regex::Scratch &scratch,
                       std::vector<std::string_view> &words) {
  std::vector<Regex::Piece> pieces;
  for (const Stage &stage : stages) {
    std::vector<std::string_view> finer;
    for (std::string_view word : words) {
      stage.regex.cut(word, scratch, pieces);
      regroup(pieces, stage, finer);
    }
    words = std::move(finer);
  }
}

/// Copies the words into `storage` with a space before each that has none.
static void prefixSpaces(std::vector<std::string_view> &words,
                         std::string &storage) {
  size_t bytes = words.size();
  for (std::string_view word : words)
    bytes += word.size();
  storage.clear();
  storage.reserve(bytes); // the views below must stay valid
  for (std::string_view &word : words) {
    size_t start = storage.size();
    if (word[0] != ' ')
      storage += ' ';
    storage += word;
    word = {storage.data() + start, storage.size() - start};
  }
}

std::vector<std::string_view> PreTokenizer::split(std::string_view text,
                                                  std::string &storage) const {
  std::vector<std::string_view> words;
  if (!text.empty())
    words.push_back(text);
  std::shared_ptr<Regex::Scratch> scratch = Regex::makeScratch();
  run(stages, *scratch, words);
  if (addPrefixSpace)
    prefixSpaces(words, storage);
  run(lastStages, *scratch, words);
  return words;
}

} // namespace braid::rt
