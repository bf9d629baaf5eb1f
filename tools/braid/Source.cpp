//===- Source.cpp - where a model comes from
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Source.h"
#include "braid-rt/error.h"
#include "braid-rt/json.h"
#include "braid-rt/tokenizer.h"
#include <filesystem>

using namespace braid;
namespace fs = std::filesystem;

bool ModelSource::hasWeights() const {
  std::error_code error;
  return fs::is_directory(place, error);
}

std::string ModelSource::folder() const {
  if (hasWeights())
    return place;
  std::string parent = fs::path(place).parent_path().string();
  return parent.empty() ? "." : parent;
}

std::string ModelSource::seenFrom(const std::string &file) const {
  std::error_code error;
  fs::path parent = fs::path(file).parent_path();
  fs::path from = fs::canonical(parent.empty() ? "." : parent, error);
  fs::path to = fs::canonical(place, error);
  return error ? place : to.lexically_relative(from).string();
}

ModelSource braid::sourceOfDump(const CompileOptions &options,
                                const std::string &recorded) {
  if (!options.weightsFrom.empty())
    return {options.weightsFrom};
  if (recorded.empty())
    return {};
  fs::path place = fs::path(options.input).parent_path() / recorded;
  std::error_code error;
  if (fs::exists(place, error) || !options.stopAfter.empty())
    return {place.string()};
  if (options.weights == "none")
    return {};
  throw rt::Error(options.input + ": was made from '" + place.string() +
                      "', which is not there",
                  "--weights-from=DIR names the checkpoint; --weights=none "
                  "compiles without its weights and tokenizer");
}

void braid::readTokenizer(const std::string &dir, BundleOptions &bundle) {
  if (std::string file = dir + "/tokenizer.json"; rt::isThere(file)) {
    bundle.tokenizer = rt::readTextFile(file);
    rt::Tokenizer::fromJson(bundle.tokenizer, file);
  }
  std::string config = dir + "/tokenizer_config.json";
  bundle.chatTemplate = fs::exists(dir + "/chat_template.jinja");
  if (!rt::isThere(config))
    return;
  rt::Json json = rt::readJsonFile(config);
  bundle.chatTemplate |= json.contains("chat_template");
  if (json.contains("add_bos_token") && json["add_bos_token"].is_boolean())
    bundle.addBos = json["add_bos_token"].get<bool>();
}
