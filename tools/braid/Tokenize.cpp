//===- Tokenize.cpp - braid tokenize: text to ids and back
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Arguments.h"
#include "braid-rt/artifact.h"
#include "braid-rt/json.h"
#include "braid-rt/tokenizer.h"
#include <charconv>
#include <filesystem>
#include <iostream>
#include <iterator>

using namespace braid;
using rt::Json;
using Ids = std::vector<int32_t>;

static constexpr const char *kHelp =
    R"(usage: braid tokenize [options] TOKENIZER TEXT...

Turns text into the ids that a model reads. TOKENIZER is a tokenizer.json, the
folder that holds one, or an artefact. Without TEXT it is read from stdin.
Prints one token a line: id and text.

options:
  --special    add the special tokens that tokenizer.json puts around a text
               (<s> and the like), and read those written in the text
  --parse-special
               only read special tokens written in the text
  --decode     the other way: TEXT is ids, with commas or spaces between them
  --json       stdin is a JSON array of texts, stdout an array of arrays of ids
               (with --decode the reverse)
  -h, --help   this text

examples:
  braid tokenize nano.braid "Once upon a time"
  braid tokenize tokenizer.json --decode 12 7 99
  echo '["one", "two"]' | braid tokenize ~/models/nano --json
)";

static rt::Tokenizer openTokenizer(const std::string &path) {
  std::error_code error;
  bool folder = std::filesystem::is_directory(path, error);
  std::string file = folder ? path + "/tokenizer.json" : path;
  if (folder || file.ends_with(".json"))
    return rt::Tokenizer::fromJson(rt::readTextFile(file), file);
  rt::Artifact artifact = rt::Artifact::open(path);
  if (artifact.tokenizerJson.empty())
    throw rt::Error(path + ": the artefact has no tokenizer",
                    "it was compiled from a folder without tokenizer.json");
  return rt::Tokenizer::fromJson(artifact.tokenizerJson, path + ": tokenizer");
}

/// Ids with commas, white space or brackets around them.
static Ids parseIds(const std::string &text) {
  static constexpr char separators[] = ", \t\r\n[]";
  Ids ids;
  for (size_t at = 0;;) {
    size_t begin = text.find_first_not_of(separators, at);
    if (begin == text.npos)
      return ids;
    at = std::min(text.find_first_of(separators, begin), text.size());
    int32_t id = 0;
    auto [end, error] =
        std::from_chars(text.data() + begin, text.data() + at, id);
    if (error != std::errc() || end != text.data() + at)
      throw rt::Error("--decode: expected ids, found '" +
                      text.substr(begin, at - begin) + "'");
    ids.push_back(id);
  }
}

/// A token's text as it can be read: quoted; control characters, quotes and
/// bytes that are not whole characters escaped.
static std::string quoted(const std::string &bytes) {
  std::string text =
      Json(bytes).dump(-1, ' ', false, Json::error_handler_t::replace);
  bool whole =
      text.find("\uFFFD") == text.npos || bytes.find("\uFFFD") != bytes.npos;
  if (whole)
    return text;
  text = "\"";
  for (unsigned char c : bytes) {
    char escaped[8];
    snprintf(escaped, sizeof(escaped), c >= 32 && c < 127 ? "%c" : "\\x%02X",
             c);
    text += escaped;
  }
  return text + "\"";
}

static std::string readInput() {
  return {std::istreambuf_iterator<char>(std::cin), {}};
}

/// An id of a JSON list, in the range that the tokenizer checks further.
static int32_t idOf(const Json &json) {
  if (!json.is_number_integer() || json < 0 || json > INT32_MAX)
    throw rt::Error("stdin: expected lists of ids, found " +
                    json.dump().substr(0, 40));
  return json.get<int32_t>();
}

static Json convert(const rt::Tokenizer &tokenizer, const Json &item,
                    const rt::EncodeOptions &options, bool decode) {
  if (!decode) {
    if (!item.is_string())
      throw rt::Error("stdin: expected an array of strings, found " +
                      item.dump().substr(0, 40));
    return tokenizer.encode(item.get<std::string>(), options);
  }
  Ids ids;
  for (const Json &id : item)
    ids.push_back(idOf(id));
  return tokenizer.decode(ids, !options.parseSpecial);
}

static void runJson(const rt::Tokenizer &tokenizer,
                    const rt::EncodeOptions &options, bool decode) {
  Json input = rt::parseJson(readInput(), "stdin"), output = Json::array();
  if (!input.is_array())
    throw rt::Error("stdin: expected a JSON array");
  for (const Json &item : input)
    output.push_back(convert(tokenizer, item, options, decode));
  printf("%s\n", output.dump().c_str());
}

static std::string textOf(const Arguments &arguments) {
  if (arguments.words.size() == 1)
    return readInput();
  std::string text = arguments.words[1];
  for (size_t i = 2; i < arguments.words.size(); ++i)
    text += " " + arguments.words[i];
  return text;
}

static int tokenize(const Arguments &arguments) {
  if (arguments.words.empty())
    throw UsageError("expected a tokenizer.json, a folder or an artefact",
                     "`braid tokenize --help` shows examples");
  bool special = arguments.has("--special"), decode = arguments.has("--decode");
  if (arguments.has("--json") && arguments.words.size() > 1)
    throw UsageError("--json: expected the texts on stdin, found '" +
                     arguments.words[1] + "'");
  rt::Tokenizer tokenizer = openTokenizer(arguments.words[0]);
  rt::EncodeOptions options{special,
                            special || arguments.has("--parse-special")};
  if (arguments.has("--json")) {
    runJson(tokenizer, options, decode);
    return 0;
  }
  std::string text = textOf(arguments);
  if (decode) {
    printf("%s\n", tokenizer.decode(parseIds(text), !special).c_str());
    return 0;
  }
  for (int32_t id : tokenizer.encode(text, options))
    printf("%7d  %s%s\n", id, quoted(tokenizer.bytesOf(id, false)).c_str(),
           tokenizer.isSpecial(id) ? "  special" : "");
  return 0;
}

namespace braid {
int tokenizeMain(int argc, char **argv) {
  return runCommand(argc, argv, kHelp,
                    {"--special", "--parse-special", "--decode", "--json"},
                    tokenize);
}
} // namespace braid
