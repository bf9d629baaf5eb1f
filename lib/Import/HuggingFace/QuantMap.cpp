//===- QuantMap.cpp - which linear layers are stored in which format ------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Import/QuantMap.h"
#include "ConfigParts.h"

#include <algorithm>

using braid::rt::Json;

namespace braid {

const char *nameOf(WeightFormat format) {
  static constexpr const char *names[] = {
      "plain", "fp8", "nvfp4", "fp8-per-channel", "fp8-block128", "mxfp8"};
  return names[int(format)];
}

std::string_view canonicalModule(std::string_view module) {
  auto drop = [&](std::string_view prefix) {
    bool match = module.substr(0, prefix.size()) == prefix;
    module.remove_prefix(match ? prefix.size() : 0);
    return match;
  };
  drop("language_model.");
  drop("backbone.") || drop("model.");
  return module;
}

/// '*' matches any run of characters, dots included.
static bool globMatches(std::string_view glob, std::string_view text) {
  size_t g = 0, t = 0, star = glob.npos, retry = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      retry = t;
    } else if (g < glob.size() && glob[g] == text[t]) {
      ++g, ++t;
    } else if (star != glob.npos) {
      g = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', g) == glob.npos;
}

/// A name in `excluded` excludes the module of that name and all below it.
static bool excludes(const QuantMap &map, std::string_view module) {
  for (size_t end = module.size(); end != module.npos && end > 0;
       end = module.rfind('.', end - 1))
    if (map.excluded.count(std::string(module.substr(0, end))))
      return true;
  return std::any_of(
      map.excludedGlobs.begin(), map.excludedGlobs.end(),
      [&](const std::string &glob) { return globMatches(glob, module); });
}

WeightFormat QuantMap::formatOf(std::string_view module) const {
  if (empty())
    return WeightFormat::Plain;
  std::string_view name = canonicalModule(module);
  if (auto it = modules.find(std::string(name)); it != modules.end())
    return it->second;
  return everything && !excludes(*this, name) ? *everything
                                              : WeightFormat::Plain;
}

namespace {
struct Algorithm {
  const char *name;
  WeightFormat format;
  int64_t groupSize; ///< 0: the format has no groups.
};

/// W4A16_NVFP4 is NVFP4 without input scales, which weight-only execution does
/// not read anyway.
constexpr Algorithm algorithms[] = {
    {"FP8", WeightFormat::FP8, 0},
    {"NVFP4", WeightFormat::NVFP4, 16},
    {"W4A16_NVFP4", WeightFormat::NVFP4, 16},
    {"FP8_PER_CHANNEL_PER_TOKEN", WeightFormat::FP8PerChannel, 0},
    {"FP8_PB_WO", WeightFormat::FP8Block128, 0},
    {"MXFP8", WeightFormat::MXFP8, 32}};

constexpr const char *knownAlgorithms =
    "FP8, NVFP4, W4A16_NVFP4 or MIXED_PRECISION";

class QuantReader {
public:
  QuantReader(const ConfigReader &reader, ModelConfig &config)
      : reader(reader), config(config) {}

  void read() {
    checkMethod();
    readKvCache();
    readExclusions();
    std::string key;
    const Json *algorithm = reader.find({"quant_algo"}, &key);
    if (algorithm && *algorithm == "MIXED_PRECISION")
      readLayerMap();
    else if (algorithm)
      config.quant.everything = format(reader, "quant_algo");
    else if (reader.find({"config_groups", "quantized_layers"}))
      reader.fail("quant_algo", knownAlgorithms, "none");
    if (reader.boolean({"nvfp4_embed"}, false))
      config.unsupported.push_back(reader.line("nvfp4_embed", "false", "true") +
                                   "; embeddings in NVFP4 are not compiled");
  }

private:
  void checkMethod() {
    std::string method = reader.string({"quant_method"}, "modelopt");
    if (method != "modelopt")
      reader.fail("quant_method", "\"modelopt\"", show(method),
                  "use a BF16 checkpoint, or one quantised by NVIDIA ModelOpt "
                  "to FP8 or NVFP4");
  }

  void readKvCache() {
    const Json *scheme = reader.find({"kv_cache_scheme"});
    config.quant.kvFp8 = reader.string({"kv_cache_quant_algo"}, "") == "FP8" ||
                         (scheme && scheme->is_object() &&
                          scheme->value("num_bits", Json()) == 8);
  }

  void readExclusions() {
    for (const char *key : {"exclude_modules", "ignore"}) {
      const Json *list = reader.find({key});
      if (!list)
        continue;
      if (!list->is_array())
        reader.fail(key, "a list of module names", show(*list));
      for (const Json &entry : *list) {
        if (!entry.is_string() ||
            entry.get_ref<const std::string &>().rfind("re:", 0) == 0)
          reader.fail(key, "module names, with * for any characters",
                      show(entry));
        exclude(std::string(canonicalModule(entry.get<std::string>())));
      }
    }
  }

  void exclude(std::string name) {
    if (name.find('*') == name.npos)
      config.quant.excluded.insert(std::move(name));
    else
      config.quant.excludedGlobs.push_back(std::move(name));
  }

  void readLayerMap() {
    const Json *layers = reader.find({"quantized_layers"});
    if (!layers || !layers->is_object())
      reader.fail("quantized_layers", "an object of modules",
                  layers ? show(*layers) : "none");
    config.quant.modules.reserve(layers->size());
    for (const auto &[module, entry] : layers->items()) {
      ConfigReader at(reader.file(), entry,
                      "quantization_config.quantized_layers." +
                          module.substr(0, 200) + ".");
      std::string name(canonicalModule(module));
      if (!config.quant.modules.emplace(name, format(at, "quant_algo")).second)
        reader.fail("quantized_layers", "every module once",
                    show(name) + " under two prefixes");
    }
  }

  WeightFormat format(const ConfigReader &at, const char *key) {
    std::string name = at.string({key}, "");
    auto it = std::find_if(std::begin(algorithms), std::end(algorithms),
                           [&](const Algorithm &a) { return name == a.name; });
    if (it == std::end(algorithms))
      at.fail(key, knownAlgorithms, show(name));
    if (it->groupSize)
      at.integer({"group_size"}, it->groupSize, {it->groupSize, it->groupSize});
    if (it->format > WeightFormat::NVFP4 && !reported[int(it->format)]) {
      reported[int(it->format)] = true;
      config.unsupported.push_back(at.line(key, knownAlgorithms, show(name)));
    }
    return it->format;
  }

  const ConfigReader &reader;
  ModelConfig &config;
  bool reported[8] = {};
};
} // namespace

void readQuantMap(const ConfigReader &reader, ModelConfig &config) {
  QuantReader(reader, config).read();
}

} // namespace braid
