//===- LayerPattern.cpp - which layer is what -----------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers come as a string of letters or as a list of words in one of two
// vocabularies; the list wins. A string may hold pipeline cuts ('|') and, after
// '/', draft layers. The puzzle variant gives each layer sizes of its own.
//===----------------------------------------------------------------------===//
#include "ConfigParts.h"

#include <optional>

using braid::rt::Json;

namespace braid {

namespace {
constexpr Range layerCount{1, 4096};
constexpr Range widthRange{0, 1 << 22};
constexpr Range expertRange{0, 1 << 14};

using Kinds = std::vector<BlockKind>;

/// The sizes that hold where no layer says otherwise.
struct Sizes {
  int64_t expertIntermediate, experts, topK;
};

std::optional<BlockKind> kindOfLetter(char letter) {
  switch (letter) {
  case 'M':
    return BlockKind::Mamba;
  case '*':
    return BlockKind::Attention;
  case '-':
    return BlockKind::Mlp;
  case 'E':
    return BlockKind::Moe;
  default:
    return std::nullopt;
  }
}

BlockKind kindOfWord(const ConfigReader &reader, const Json &word,
                     const std::string &key) {
  static constexpr std::pair<const char *, BlockKind> words[] = {
      {"mamba", BlockKind::Mamba},
      {"linear_attention", BlockKind::Mamba},
      {"attention", BlockKind::Attention},
      {"full_attention", BlockKind::Attention},
      {"mlp", BlockKind::Mlp},
      {"moe", BlockKind::Moe}};
  for (auto [name, kind] : words)
    if (word == name)
      return kind;
  reader.fail(key,
              "mamba, linear_attention, attention, full_attention, mlp or moe",
              show(word));
}

Kinds kindsOfString(const ConfigReader &reader, const std::string &pattern,
                    const std::string &key) {
  Kinds kinds;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '|')
      continue;
    std::optional<BlockKind> kind = kindOfLetter(pattern[i]);
    if (!kind)
      reader.fail(key,
                  "the letters M (Mamba-2), * (attention), - (MLP) and E "
                  "(experts)",
                  show(pattern.substr(i, 1)) + " at position " +
                      std::to_string(i));
    kinds.push_back(*kind);
  }
  return kinds;
}

Kinds kindsOfList(const ConfigReader &reader, const Json &list,
                  const std::string &key) {
  if (!list.is_array())
    reader.fail(key, "a list", show(list));
  Kinds kinds;
  for (size_t i = 0; i < list.size(); ++i)
    kinds.push_back(
        kindOfWord(reader, list[i], key + "[" + std::to_string(i) + "]"));
  return kinds;
}

/// A list or a string under any of its names; the list wins.
std::optional<Kinds> readKinds(const ConfigReader &reader, Keys listKeys,
                               Keys stringKeys, std::string *key) {
  std::string stringKey;
  const Json *string = reader.find(stringKeys, &stringKey);
  if (const Json *list = reader.find(listKeys, key))
    return kindsOfList(reader, *list, *key);
  if (!string)
    return std::nullopt;
  *key = stringKey;
  return kindsOfString(reader, reader.string(stringKeys, ""), stringKey);
}

/// Cuts "main/draft/draft" at the slashes. The drafts share one set of weights,
/// so they must be equal.
struct SplitPattern {
  std::string main, draft;
  int64_t drafts = 0;

  SplitPattern(const ConfigReader &reader, const std::string &pattern,
               const std::string &key) {
    size_t cut = pattern.find('/');
    main = pattern.substr(0, cut);
    while (cut != pattern.npos) {
      size_t end = pattern.find('/', cut + 1);
      std::string part = pattern.substr(cut + 1, end - cut - 1);
      if (drafts++ > 0 && part != draft)
        reader.fail(key, "equal parts after '/', which share their weights",
                    show(draft) + " and " + show(part));
      draft = part;
      cut = end;
    }
  }
};

int64_t positive(const ConfigReader &reader, const std::string &key,
                 int64_t value) {
  if (value < 1)
    reader.fail(key, "a positive number, since a layer uses it",
                std::to_string(value));
  return value;
}

/// Shapes layers out of kinds. Keeps count of the MLP layers, whose widths may
/// be a list.
class LayerShaper {
public:
  LayerShaper(const ConfigReader &reader, Sizes sizes)
      : reader(reader), sizes(sizes) {}

  LayerConfig shape(BlockKind kind) {
    LayerConfig layer{kind};
    if (kind == BlockKind::Mlp)
      layer.intermediate = nextIntermediate();
    if (kind == BlockKind::Moe) {
      layer.expertIntermediate = sizes.expertIntermediate;
      layer.experts = sizes.experts;
      layer.topK = sizes.topK;
    }
    return layer;
  }

private:
  int64_t nextIntermediate() {
    const Json *value = reader.find({"intermediate_size"});
    if (!value)
      return 21504;
    size_t ordinal = mlps++;
    if (!value->is_array())
      return reader.integerOf(*value, "intermediate_size",
                              {1, widthRange.most});
    if (ordinal >= value->size())
      reader.fail("intermediate_size",
                  "one entry for each MLP layer, at least " +
                      std::to_string(ordinal + 1),
                  std::to_string(value->size()) + " entries");
    return reader.integerOf((*value)[ordinal], "intermediate_size",
                            {1, widthRange.most});
  }

  const ConfigReader &reader;
  Sizes sizes;
  size_t mlps = 0;
};

/// Lets block_configs[i] override the sizes of `layer`.
void applyBlockConfig(const ConfigReader &outer, const Json &block,
                      const std::string &key, LayerConfig &layer,
                      ModelConfig &config) {
  ConfigReader reader(outer.file(), block, key + ".");
  layer.expertIntermediate = reader.integer(
      {"moe_intermediate_size"}, layer.expertIntermediate, widthRange);
  layer.experts =
      reader.integer({"n_routed_experts"}, layer.experts, expertRange);
  layer.topK = reader.integer({"num_experts_per_tok"}, layer.topK, expertRange);
  layer.intermediate =
      reader.integer({"intermediate_size"}, layer.intermediate, widthRange);
  reader.ignore({"block_type"});
  for (const std::string &unknown : reader.unknown())
    if (const Json &value = block[unknown.substr(key.size() + 1)];
        !value.is_null() && value != false)
      config.unsupported.push_back(
          outer.file() + ": key '" + unknown +
          "': expected only sizes of experts and MLPs to differ between "
          "layers, found " +
          show(value));
}

void checkMoe(const ConfigReader &reader, const LayerConfig &layer,
              const ModelConfig &config) {
  positive(reader, "n_routed_experts", layer.experts);
  positive(reader, "moe_intermediate_size", layer.expertIntermediate);
  positive(reader, "num_experts_per_tok", layer.topK);
  if (layer.topK > layer.experts)
    reader.fail("num_experts_per_tok",
                "at most n_routed_experts = " + std::to_string(layer.experts),
                std::to_string(layer.topK));
  int64_t groups = config.routeGroups;
  if (groups == 1)
    return;
  if (layer.experts % groups != 0 || layer.experts / groups < 2)
    reader.fail(
        "n_group",
        "a divisor of n_routed_experts = " + std::to_string(layer.experts) +
            " that leaves two or more experts in a group",
        std::to_string(groups));
  int64_t eligible = config.routeTopGroups * (layer.experts / groups);
  if (layer.topK > eligible)
    reader.fail("topk_group",
                "groups that hold num_experts_per_tok = " +
                    std::to_string(layer.topK) + " experts or more",
                std::to_string(config.routeTopGroups) + " groups with " +
                    std::to_string(eligible) + " experts");
}

std::vector<LayerConfig> shapeLayers(const ConfigReader &reader,
                                     const Kinds &kinds, Sizes sizes,
                                     const char *blocksKey,
                                     ModelConfig &config) {
  const Json *blocks = reader.find({blocksKey});
  if (blocks && (!blocks->is_array() || blocks->size() != kinds.size()))
    reader.fail(blocksKey,
                "one entry for each of the " + std::to_string(kinds.size()) +
                    " layers",
                blocks->is_array() ? std::to_string(blocks->size()) + " entries"
                                   : show(*blocks));
  LayerShaper shaper(reader, sizes);
  std::vector<LayerConfig> layers;
  for (BlockKind kind : kinds) {
    LayerConfig layer = shaper.shape(kind);
    size_t i = layers.size();
    if (blocks)
      applyBlockConfig(reader, (*blocks)[i],
                       blocksKey + ("[" + std::to_string(i) + "]"), layer,
                       config);
    if (kind == BlockKind::Moe)
      checkMoe(reader, layer, config);
    if (kind == BlockKind::Mlp)
      positive(reader, "intermediate_size", layer.intermediate);
    layers.push_back(layer);
  }
  return layers;
}

/// What block_configs says of the kinds, if it says anything.
std::optional<Kinds> kindsOfBlocks(const ConfigReader &reader,
                                   const char *key) {
  const Json *blocks = reader.find({key});
  if (!blocks || !blocks->is_array())
    return std::nullopt;
  Kinds kinds;
  for (size_t i = 0; i < blocks->size(); ++i) {
    const Json &block = (*blocks)[i];
    std::string at =
        std::string(key) + "[" + std::to_string(i) + "].block_type";
    if (!block.is_object() || !block.contains("block_type"))
      reader.fail(at, "a block type", "none");
    kinds.push_back(kindOfWord(reader, block["block_type"], at));
  }
  return kinds;
}

void readDrafts(const ConfigReader &reader, const SplitPattern *split,
                Sizes sizes, ModelConfig &config) {
  std::string key;
  std::optional<Kinds> kinds = readKinds(reader, {"mtp_layers_block_type"},
                                         {"mtp_hybrid_override_pattern"}, &key);
  std::optional<Kinds> blocks = kindsOfBlocks(reader, "mtp_block_configs");
  sizes.experts =
      reader.integer({"mtp_n_routed_experts"}, sizes.experts, expertRange);
  int64_t fallback = split ? split->drafts : 0;
  config.mtpDepth =
      reader.integer({"num_nextn_predict_layers"}, fallback, {0, 64});
  if (config.mtpDepth == 0)
    return;
  if (!kinds)
    kinds = blocks;
  if (!kinds && split && split->drafts > 0)
    kinds = kindsOfString(reader, split->draft, "hybrid_override_pattern");
  if (!kinds)
    kinds = {BlockKind::Attention, BlockKind::Moe};
  config.mtpLayers =
      shapeLayers(reader, *kinds, sizes, "mtp_block_configs", config);
}
} // namespace

char letterOf(BlockKind kind) { return "M*-E"[int(kind)]; }

std::string ModelConfig::pattern() const {
  std::string letters;
  for (const LayerConfig &layer : layers)
    letters += letterOf(layer.kind);
  return letters;
}

void readLayers(const ConfigReader &reader, ModelConfig &config) {
  Sizes sizes;
  sizes.expertIntermediate =
      reader.integer({"moe_intermediate_size"}, 7688, widthRange);
  sizes.experts = reader.integer({"n_routed_experts"}, 8, expertRange);
  sizes.topK = reader.integer({"num_experts_per_tok"}, 2, expertRange);

  std::string stringKey = "hybrid_override_pattern", key = stringKey;
  std::optional<Kinds> ofString, kinds;
  std::optional<SplitPattern> split;
  if (reader.find({stringKey.c_str()})) {
    split.emplace(reader, reader.string({stringKey.c_str()}, ""), stringKey);
    ofString = kindsOfString(reader, split->main, stringKey);
  }
  if (const Json *list =
          reader.find({"layers_block_type", "layer_types"}, &key))
    kinds = kindsOfList(reader, *list, key);
  if (kinds && ofString && *kinds != *ofString)
    config.notes.push_back(reader.file() + ": keys '" + key + "' and '" +
                           stringKey + "' disagree; the list is used");
  if (!kinds)
    kinds = ofString;
  if (!kinds)
    kinds = kindsOfBlocks(reader, "block_configs");
  if (!kinds)
    kinds = {BlockKind::Mamba, BlockKind::Moe, BlockKind::Attention,
             BlockKind::Mlp};
  if (kinds->empty() || kinds->size() > size_t(layerCount.most))
    reader.fail(key, "1 to " + std::to_string(layerCount.most) + " layers",
                std::to_string(kinds->size()));
  int64_t advised =
      reader.integer({"num_hidden_layers"}, int64_t(kinds->size()), layerCount);
  if (advised != int64_t(kinds->size()))
    config.notes.push_back(
        reader.line("num_hidden_layers",
                    std::to_string(kinds->size()) + " as in the layer pattern",
                    std::to_string(advised)) +
        "; the pattern is used");
  config.layers = shapeLayers(reader, *kinds, sizes, "block_configs", config);
  readDrafts(reader, split ? &*split : nullptr, sizes, config);
}

} // namespace braid
