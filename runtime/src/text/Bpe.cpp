//===- Bpe.cpp - byte pair encoding of one word ---------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Bpe.h"
#include "JsonCursor.h"
#include "Utf8.h"

#include <algorithm>
#include <queue>
#include <tuple>

namespace braid::rt {

//===----------------------------------------------------------------------===//
// Vocabulary
//===----------------------------------------------------------------------===//

namespace {

bool writesItself(int byte) {
  return (byte >= '!' && byte <= '~') ||
         (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
}

/// The byte of each character of the alphabet, -1 elsewhere. The bytes that do
/// not write themselves are 68, so the alphabet ends at U+0143.
std::array<int16_t, 0x144> makeAlphabet() {
  std::array<int16_t, 0x144> bytes;
  bytes.fill(-1);
  size_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte)
    bytes[writesItself(byte) ? size_t(byte) : next++] = int16_t(byte);
  return bytes;
}

/// The bytes that a form of the byte alphabet writes, or nothing if some
/// character is not of the alphabet.
std::optional<std::string> alphabetToBytes(std::string_view form) {
  static const std::array<int16_t, 0x144> alphabet = makeAlphabet();
  std::string bytes;
  while (!form.empty()) {
    Utf8Step step = utf8Step(form);
    if (step.codePoint >= alphabet.size() || alphabet[step.codePoint] < 0)
      return std::nullopt;
    bytes += char(alphabet[step.codePoint]);
    form.remove_prefix(step.length);
  }
  return bytes;
}

} // namespace

void Vocabulary::addAll(const JsonCursor &forms) {
  if (!forms.value().is_object())
    forms.fail("expected an object of ids, found something else");
  ids.reserve(forms.value().size());
  for (const auto &[form, id] : forms.value().items()) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > maxId)
      forms.fail("token " + JsonCursor::quoted(form) +
                 ": expected an id in 0.." + std::to_string(maxId) +
                 ", found " + JsonCursor::quoted(id.dump()));
    add(form, id.get<int32_t>(), forms);
  }
}

void Vocabulary::add(const std::string &form, int32_t id,
                     const JsonCursor &where) {
  auto [it, isNew] = ids.try_emplace(form, id);
  if (!isNew && it->second != id)
    where.fail("token " + JsonCursor::quoted(form) + ": expected id " +
               std::to_string(it->second) + " as given before, found " +
               std::to_string(id));
  if (size_t(id) >= tokens.size())
    tokens.resize(size_t(id) + 1);
  Token &token = tokens[size_t(id)];
  if (token.used && token.form != form)
    where.fail("token " + JsonCursor::quoted(form) +
               ": expected a free id, "
               "found " +
               std::to_string(id) + " of " + JsonCursor::quoted(token.form));
  std::optional<std::string> bytes = alphabetToBytes(form);
  token.form = form;
  token.isByteLevel = bytes.has_value();
  token.bytes = bytes.value_or(form);
  token.used = true;
}

std::optional<int32_t> Vocabulary::find(const std::string &form) const {
  auto it = ids.find(form);
  return it == ids.end() ? std::nullopt : std::optional(it->second);
}

//===----------------------------------------------------------------------===//
// MergeTable
//===----------------------------------------------------------------------===//

namespace {

struct FullRule {
  int32_t left;
  MergeTable::Rule rule;
};

std::pair<std::string, std::string> readPair(const JsonCursor &merge) {
  if (merge.value().is_array()) {
    if (merge.arraySize() != 2)
      merge.fail("expected two tokens, found " +
                 std::to_string(merge.arraySize()));
    return {merge.at(size_t(0)).string(), merge.at(size_t(1)).string()};
  }
  const std::string &text = merge.string();
  size_t space = text.find(' ');
  if (space == text.npos || text.find(' ', space + 1) != text.npos)
    merge.fail("expected two tokens and one space, found " +
               JsonCursor::quoted(text));
  return {text.substr(0, space), text.substr(space + 1)};
}

FullRule readRule(const JsonCursor &merge, int32_t rank,
                  const Vocabulary &vocabulary) {
  auto [left, right] = readPair(merge);
  auto idOf = [&](const std::string &form) {
    std::optional<int32_t> id = vocabulary.find(form);
    if (!id)
      merge.fail("expected a token of the vocabulary, found " +
                 JsonCursor::quoted(form));
    return *id;
  };
  return {idOf(left), {idOf(right), rank, idOf(left + right)}};
}

} // namespace

MergeTable::MergeTable(const JsonCursor &merges, const Vocabulary &vocabulary) {
  std::vector<FullRule> all;
  all.reserve(merges.arraySize());
  for (size_t i = 0, count = merges.arraySize(); i < count; ++i)
    all.push_back(readRule(merges.at(i), int32_t(i), vocabulary));
  // Of equal pairs the one listed last counts, hence it is put first.
  std::sort(all.begin(), all.end(), [](const FullRule &a, const FullRule &b) {
    return std::tuple(a.left, a.rule.right, b.rule.rank) <
           std::tuple(b.left, b.rule.right, a.rule.rank);
  });
  rowStart.assign(size_t(vocabulary.size()) + 1, 0);
  rules.reserve(all.size());
  for (const FullRule &full : all) {
    ++rowStart[size_t(full.left) + 1];
    rules.push_back(full.rule);
  }
  for (size_t i = 1; i < rowStart.size(); ++i)
    rowStart[i] += rowStart[i - 1];
}

const MergeTable::Rule *MergeTable::find(int32_t left, int32_t right) const {
  const Rule *begin = rules.data() + rowStart[size_t(left)];
  const Rule *end = rules.data() + rowStart[size_t(left) + 1];
  const Rule *it =
      std::lower_bound(begin, end, right,
                       [](const Rule &r, int32_t id) { return r.right < id; });
  return it != end && it->right == right ? it : nullptr;
}

//===----------------------------------------------------------------------===//
// Bpe
//===----------------------------------------------------------------------===//

namespace {

/// Settings that change what tokens mean. They must be off.
void refuseUnsupported(const JsonCursor &model) {
  if (auto type = model.find("type"); type && type->string() != "BPE")
    type->fail("tokenizer model " + JsonCursor::quoted(type->string()) +
                   " is not supported",
               "supported is byte-level BPE");
  if (auto dropout = model.find("dropout"); dropout && dropout->value() != 0)
    dropout->fail("dropout is not supported", "set it to null");
  if (model.booleanOr("byte_fallback", false))
    model.fail("byte_fallback is not supported",
               "supported is byte-level BPE, which needs none");
  for (const char *key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (auto affix = model.find(key); affix && !affix->string().empty())
      affix->fail(std::string(key) + " is not supported",
                  "supported is byte-level BPE, which has none");
}

/// The symbols of one word as a list, and the merges that wait in it.
class WordMerger {
public:
  WordMerger(const MergeTable &merges, std::vector<int32_t> symbols)
      : merges(merges), symbols(std::move(symbols)) {
    int32_t count = int32_t(this->symbols.size());
    links.reserve(size_t(count));
    for (int32_t i = 0; i < count; ++i)
      links.push_back({i - 1, i + 1 < count ? i + 1 : none});
  }

  void run(std::vector<int32_t> &ids) {
    for (size_t i = 0; i + 1 < symbols.size(); ++i)
      consider(int32_t(i));
    while (!waiting.empty()) {
      Candidate candidate = waiting.top();
      waiting.pop();
      apply(candidate);
    }
    for (int32_t at = 0; at != none; at = links[size_t(at)].next)
      ids.push_back(symbols[size_t(at)]);
  }

private:
  static constexpr int32_t none = -1;
  struct Link {
    int32_t previous, next;
  };
  struct Candidate {
    int32_t rank, at, left, right, result;
    /// Turned round for priority_queue: lowest rank first, then leftmost.
    bool operator<(const Candidate &other) const {
      return std::tie(rank, at) > std::tie(other.rank, other.at);
    }
  };

  void consider(int32_t at) {
    int32_t next = links[size_t(at)].next;
    if (next == none)
      return;
    int32_t left = symbols[size_t(at)], right = symbols[size_t(next)];
    if (const MergeTable::Rule *rule = merges.find(left, right))
      waiting.push({rule->rank, at, left, right, rule->result});
  }

  void apply(const Candidate &candidate) {
    // Earlier merges may have taken either half; a dead symbol is `none`.
    int32_t at = candidate.at, next = links[size_t(at)].next;
    if (symbols[size_t(at)] != candidate.left || next == none ||
        symbols[size_t(next)] != candidate.right)
      return;
    symbols[size_t(at)] = candidate.result;
    symbols[size_t(next)] = none;
    int32_t after = links[size_t(next)].next;
    links[size_t(at)].next = after;
    if (after != none)
      links[size_t(after)].previous = at;
    if (links[size_t(at)].previous != none)
      consider(links[size_t(at)].previous);
    consider(at);
  }

  const MergeTable &merges;
  std::vector<int32_t> symbols;
  std::vector<Link> links;
  std::priority_queue<Candidate> waiting;
};

} // namespace

Bpe Bpe::fromJson(const JsonCursor &model, Vocabulary &vocabulary) {
  refuseUnsupported(model);
  vocabulary.addAll(model.at("vocab"));
  Bpe bpe(MergeTable(model.at("merges"), vocabulary));
  bpe.readBytes(vocabulary);
  bpe.readUnknown(model, vocabulary);
  if (model.booleanOr("ignore_merges", false))
    for (int32_t id = 0; id < vocabulary.size(); ++id)
      if (vocabulary[id].isByteLevel)
        bpe.wholeWords.emplace(vocabulary[id].bytes, id);
  return bpe;
}

void Bpe::readBytes(const Vocabulary &vocabulary) {
  byteIds.fill(none);
  for (int32_t id = 0; id < vocabulary.size(); ++id)
    if (vocabulary[id].isByteLevel && vocabulary[id].bytes.size() == 1)
      byteIds[uint8_t(vocabulary[id].bytes[0])] = id;
}

void Bpe::readUnknown(const JsonCursor &model, const Vocabulary &vocabulary) {
  fuseUnknown = model.booleanOr("fuse_unk", false);
  std::optional<JsonCursor> unknown = model.find("unk_token");
  if (!unknown)
    return;
  std::optional<int32_t> id = vocabulary.find(unknown->string());
  if (!id)
    unknown->fail("expected a token of the vocabulary, found " +
                  JsonCursor::quoted(unknown->string()));
  unknownId = *id;
}

void Bpe::forbidWholeWord(int32_t id, const Vocabulary &vocabulary) {
  auto it = wholeWords.find(vocabulary[id].bytes);
  if (it != wholeWords.end() && it->second == id)
    wholeWords.erase(it);
}

std::vector<int32_t> Bpe::symbolsOf(std::string_view word) const {
  std::vector<int32_t> symbols;
  symbols.reserve(word.size());
  bool lastUnknown = false;
  for (char c : word) {
    int32_t id = byteIds[uint8_t(c)];
    bool unknown = id == none;
    if (unknown && unknownId == none)
      throw Error("byte " + std::to_string(uint8_t(c)) +
                  " of the text has no token in the vocabulary, which has no "
                  "unk_token either");
    if (!(unknown && lastUnknown && fuseUnknown))
      symbols.push_back(unknown ? unknownId : id);
    lastUnknown = unknown;
  }
  return symbols;
}

void Bpe::encode(std::string_view word, std::vector<int32_t> &ids) const {
  if (!wholeWords.empty())
    if (auto it = wholeWords.find(std::string(word)); it != wholeWords.end()) {
      ids.push_back(it->second);
      return;
    }
  WordMerger(merges, symbolsOf(word)).run(ids);
}

} // namespace braid::rt
