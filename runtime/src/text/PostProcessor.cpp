//===- PostProcessor.cpp - ids around a prompt ----------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PostProcessor.h"
#include "JsonCursor.h"

namespace braid::rt {
namespace {

/// No template of a real model adds more than a few; a hostile one could
/// multiply its pieces with their ids.
constexpr size_t maxAddedIds = 1024;

/// Appends the ids that a template's special token stands for.
void appendSpecial(std::vector<int32_t> &ids, const JsonCursor &specials,
                   const JsonCursor &name, int32_t vocabularySize) {
  std::optional<JsonCursor> special = specials.find(name.string().c_str());
  if (!special)
    name.fail("expected a name in special_tokens, found " +
              JsonCursor::quoted(name.string()));
  JsonCursor list = special->at("ids");
  if (list.arraySize() + ids.size() > maxAddedIds)
    name.fail("expected a template of at most " + std::to_string(maxAddedIds) +
              " ids, found more");
  for (size_t i = 0, count = list.arraySize(); i < count; ++i)
    ids.push_back(list.at(i).below(vocabularySize));
}

/// {"single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
///  "special_tokens": {"<s>": {"ids": [1]}}}
PostProcessor readTemplate(const JsonCursor &json, int32_t vocabularySize) {
  PostProcessor result;
  JsonCursor pieces = json.at("single");
  bool seen = false;
  for (size_t i = 0, count = pieces.arraySize(); i < count; ++i) {
    JsonCursor piece = pieces.at(i);
    if (auto special = piece.find("SpecialToken")) {
      appendSpecial(seen ? result.after : result.before,
                    json.at("special_tokens"), special->at("id"),
                    vocabularySize);
      continue;
    }
    const std::string &which = piece.at("Sequence").at("id").string();
    if (which != "A" || seen)
      piece.fail("expected the sequence A once, found " +
                 JsonCursor::quoted(which) + (seen ? " again" : ""));
    seen = true;
  }
  if (!seen)
    pieces.fail("expected the sequence A, found none");
  return result;
}

void append(std::vector<int32_t> &to, const std::vector<int32_t> &from) {
  to.insert(to.end(), from.begin(), from.end());
}

/// A later processor puts its ids around those of the earlier ones.
PostProcessor readSequence(const JsonCursor &json, int32_t vocabularySize) {
  PostProcessor result;
  JsonCursor parts = json.at("processors");
  for (size_t i = 0, count = parts.arraySize(); i < count; ++i) {
    PostProcessor part(parts.at(i), vocabularySize);
    append(part.before, result.before);
    append(result.after, part.after);
    result.before = std::move(part.before);
  }
  return result;
}

} // namespace

PostProcessor::PostProcessor(const JsonCursor &json, int32_t vocabularySize) {
  const std::string &type = json.at("type").string();
  if (type == "TemplateProcessing")
    *this = readTemplate(json, vocabularySize);
  else if (type == "Sequence")
    *this = readSequence(json, vocabularySize);
  else if (type != "ByteLevel")
    json.fail("post-processor " + JsonCursor::quoted(type) +
                  " is not supported",
              "supported are TemplateProcessing, ByteLevel and Sequence");
}

} // namespace braid::rt
