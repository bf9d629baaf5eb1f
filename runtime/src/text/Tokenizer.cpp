//===- Tokenizer.cpp - text to ids and back -------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// encode: text -> pieces between added tokens -> normal form -> pieces between
// added tokens that match normalized text -> words -> ids -> post-processor.
// The reference is the Hugging Face tokenizers library. Its "truncation" and
// "padding" concern batches for training and are not applied.
//===----------------------------------------------------------------------===//
#include "braid-rt/tokenizer.h"
#include "AddedTokens.h"
#include "Bpe.h"
#include "JsonCursor.h"
#include "Normalizer.h"
#include "PostProcessor.h"
#include "PreTokenizer.h"
#include "Utf8.h"
#include "Vocabulary.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <limits>

namespace braid::rt {

//===----------------------------------------------------------------------===//
// Added tokens
//===----------------------------------------------------------------------===//

AddedToken AddedToken::fromJson(const JsonCursor &json) {
  return {json.at("id").below(Vocabulary::maxId + 1),
          json.booleanOr("special", false),
          json.booleanOr("single_word", false), json.booleanOr("lstrip", false),
          json.booleanOr("rstrip", false)};
}

void AddedTokens::add(const std::string &text, const AddedToken &token,
                      const JsonCursor &where) {
  if (text.size() > maxBytes)
    where.fail("expected an added token of at most " +
               std::to_string(maxBytes) + " bytes, found " +
               std::to_string(text.size()));
  if (text.empty())
    return;
  starts[uint8_t(text[0])] = true;
  uint32_t node = 0;
  for (char c : text) {
    auto [child, isNew] = children.try_emplace({node, uint8_t(c)}, nodes);
    nodes += isNew;
    node = child->second;
  }
  ends.insert_or_assign(node, token);
}

AddedTokens::Match AddedTokens::longestAt(std::string_view text,
                                          bool withSpecial) const {
  Match best;
  uint32_t node = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    auto child = children.find({node, uint8_t(text[i])});
    if (child == children.end())
      break;
    node = child->second;
    auto end = ends.find(node);
    if (end != ends.end() && (withSpecial || !end->second.isSpecial))
      best = {i + 1, &end->second};
  }
  return best;
}

namespace {

/// Whether text[begin, end) has no word character beside it.
bool standsAlone(std::string_view text, size_t begin, size_t end) {
  size_t start;
  if (begin > 0 && isWordCharacter(lastCharacter(text.substr(0, begin), start)))
    return false;
  return end == text.size() ||
         !isWordCharacter(utf8Step(text.substr(end)).codePoint);
}

/// Moves `begin` left over white space, not before `limit`.
size_t stripLeft(std::string_view text, size_t begin, size_t limit) {
  for (size_t start; begin > limit; begin = start)
    if (!isWhiteSpace(lastCharacter(text.substr(0, begin), start)))
      break;
  return begin;
}

size_t stripRight(std::string_view text, size_t end) {
  while (end < text.size()) {
    Utf8Step step = utf8Step(text.substr(end));
    if (!isWhiteSpace(step.codePoint))
      break;
    end += step.length;
  }
  return end;
}

} // namespace

std::vector<AddedTokens::Piece> AddedTokens::cut(std::string_view text,
                                                 bool withSpecial) const {
  std::vector<Piece> pieces;
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    Match match;
    if (starts[uint8_t(text[at])])
      match = longestAt(text.substr(at), withSpecial);
    size_t begin = at, end = at + match.length;
    at = std::max(end, at + 1);
    if (!match.token ||
        (match.token->singleWord && !standsAlone(text, begin, end)))
      continue;
    if (match.token->stripsLeft)
      begin = stripLeft(text, begin, done);
    if (match.token->stripsRight)
      end = stripRight(text, end);
    if (done < begin)
      pieces.push_back({text.substr(done, begin - done), std::nullopt});
    pieces.push_back({text.substr(begin, end - begin), match.token->id});
    done = at = end;
  }
  if (done < text.size())
    pieces.push_back({text.substr(done), std::nullopt});
  return pieces;
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

struct Tokenizer::State {
  std::string name;
  Vocabulary vocabulary;
  Bpe bpe;
  Normalizer normalizer;
  PreTokenizer preTokenizer;
  PostProcessor postProcessor;
  AddedTokens added, addedNormalized;

  State(const JsonCursor &json, const std::string &name);
  void readAdded(const JsonCursor &list);

  class Encoder;
};

namespace {

/// The decoder only has to be the one that Vocabulary implements.
void checkDecoder(const JsonCursor &json) {
  const std::string &type = json.at("type").string();
  if (type == "ByteLevel")
    return;
  if (type == "Sequence" && json.at("decoders").arraySize() == 1)
    return checkDecoder(json.at("decoders").at(size_t(0)));
  json.fail("decoder " + JsonCursor::quoted(type) + " is not supported",
            "supported is ByteLevel, also as a Sequence of one");
}

} // namespace

Tokenizer::State::State(const JsonCursor &json, const std::string &name)
    : name(name), bpe(Bpe::fromJson(json.at("model"), vocabulary)),
      preTokenizer(json.at("pre_tokenizer")) {
  checkDecoder(json.at("decoder"));
  if (auto member = json.find("normalizer"))
    normalizer = Normalizer(*member);
  if (auto member = json.find("added_tokens"))
    readAdded(*member);
  if (auto member = json.find("post_processor"))
    postProcessor = PostProcessor(*member, vocabulary.size());
}

void Tokenizer::State::readAdded(const JsonCursor &list) {
  for (size_t i = 0, count = list.arraySize(); i < count; ++i) {
    JsonCursor json = list.at(i);
    AddedToken token = AddedToken::fromJson(json);
    const std::string &content = json.at("content").string();
    vocabulary.add(content, token.id, json);
    if (token.isSpecial) {
      vocabulary.markSpecial(token.id);
      bpe.forbidWholeWord(token.id, vocabulary);
    }
    if (json.booleanOr("normalized", !token.isSpecial))
      addedNormalized.add(normalizer.normalize(content), token, json);
    else
      added.add(content, token, json);
  }
}

//===----------------------------------------------------------------------===//
// Encoding
//===----------------------------------------------------------------------===//

namespace {

/// Where in the ids so far a word has been encoded before. A slot holds the
/// last word that fell into it, so memory is bounded and no text is slow.
class WordCache {
public:
  explicit WordCache(size_t textBytes)
      : slots(std::bit_ceil(std::clamp<size_t>(textBytes / 4, 16, 1 << 14))) {}

  struct Slot {
    std::string_view word;
    size_t begin, end; ///< its ids
  };
  /// The slot of the word: its own if `slot.word == word`.
  Slot &slot(std::string_view word) {
    return slots[std::hash<std::string_view>()(word) & (slots.size() - 1)];
  }

private:
  std::vector<Slot> slots;
};

void append(std::vector<int32_t> &to, const std::vector<int32_t> &from) {
  to.insert(to.end(), from.begin(), from.end());
}

} // namespace

/// One call of encode.
class Tokenizer::State::Encoder {
public:
  Encoder(const State &state, const EncodeOptions &options, size_t textBytes)
      : state(state), options(options), cache(textBytes) {}

  std::vector<int32_t> encode(std::string_view text) {
    if (options.addSpecial)
      append(ids, state.postProcessor.before);
    for (const auto &piece : state.added.cut(text, options.parseSpecial))
      piece.id ? ids.push_back(*piece.id) : encodeRaw(piece.text);
    if (options.addSpecial)
      append(ids, state.postProcessor.after);
    return std::move(ids);
  }

private:
  void encodeRaw(std::string_view text) {
    if (!state.normalizer.isIdentity())
      text = keep() = state.normalizer.normalize(text);
    for (const auto &piece :
         state.addedNormalized.cut(text, options.parseSpecial))
      piece.id ? ids.push_back(*piece.id) : encodePlain(piece.text);
  }

  void encodePlain(std::string_view text) {
    for (std::string_view word : state.preTokenizer.split(text, keep()))
      encodeWord(word);
  }

  void encodeWord(std::string_view word) {
    WordCache::Slot &slot = cache.slot(word);
    size_t begin = ids.size();
    if (slot.word == word)
      for (size_t i = slot.begin; i < slot.end; ++i)
        ids.push_back(ids[i]);
    else
      state.bpe.encode(word, ids);
    slot = {word, begin, ids.size()};
  }

  /// A string that lives as long as the cache, which refers to words in it.
  std::string &keep() { return kept.emplace_back(); }

  const State &state;
  const EncodeOptions &options;
  WordCache cache;
  std::deque<std::string> kept;
  std::vector<int32_t> ids;
};

std::vector<int32_t> Tokenizer::encode(std::string_view text,
                                       const EncodeOptions &options) const {
  if (text.size() > size_t(std::numeric_limits<int32_t>::max() / 4))
    throw Error(state->name + ": expected a text below 512 MiB, found " +
                std::to_string(text.size()) + " bytes");
  std::string mended;
  if (!isUtf8(text))
    text = mended = replaceInvalid(text);
  State::Encoder encoder(*state, options, text.size());
  try {
    return encoder.encode(text);
  } catch (const Error &error) {
    throw Error(state->name + ": " + error.what(), error.hint);
  }
}

//===----------------------------------------------------------------------===//
// The rest of the interface
//===----------------------------------------------------------------------===//

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer &&) noexcept = default;
Tokenizer &Tokenizer::operator=(Tokenizer &&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::fromJson(std::string_view json, const std::string &name) {
  Json parsed = parseJson(json, name);
  return Tokenizer(std::make_unique<State>(JsonCursor(parsed, name), name));
}

int32_t Tokenizer::vocabularySize() const { return state->vocabulary.size(); }

/// The token of an id, or an Error.
static const Token &tokenAt(const Vocabulary &vocabulary, int32_t id,
                            const std::string &name) {
  if (id < 0 || id >= vocabulary.size() || !vocabulary[id].used)
    throw Error(name + ": expected a token id below " +
                std::to_string(vocabulary.size()) + ", found " +
                std::to_string(id) +
                (id < 0 || id >= vocabulary.size() ? "" : ", which is unused"));
  return vocabulary[id];
}

std::string_view Tokenizer::tokenOf(int32_t id) const {
  return tokenAt(state->vocabulary, id, state->name).form;
}

bool Tokenizer::isSpecial(int32_t id) const {
  return tokenAt(state->vocabulary, id, state->name).isSpecial;
}

std::string Tokenizer::bytesOf(int32_t id, bool skipSpecial) const {
  const Vocabulary &vocabulary = state->vocabulary;
  if (id < 0 || id >= vocabulary.size() || !vocabulary[id].used)
    return {};
  const Token &token = vocabulary[id];
  return skipSpecial && token.isSpecial ? std::string() : token.bytes;
}

std::string Tokenizer::decode(const std::vector<int32_t> &ids,
                              bool skipSpecial) const {
  std::string bytes;
  for (int32_t id : ids) {
    tokenAt(state->vocabulary, id, state->name);
    bytes += bytesOf(id, skipSpecial);
  }
  return isUtf8(bytes) ? bytes : replaceInvalid(bytes);
}

} // namespace braid::rt
