//===- TensorCheck.cpp - a config's promises against the headers ----------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid-rt/error.h"
#include "braid/Import/ModelParts.h"
#include "braid/Import/TensorList.h"

#include <algorithm>
#include <unordered_set>

namespace braid {

namespace {
/// Sums of tensors that are known and not compiled.
class IgnoredTensors {
public:
  /// Counts the tensor if it is of such a kind.
  bool take(const ModelConfig &config, const CheckpointNames &names,
            const std::string &name, uint64_t bytes) {
    size_t kind = kindOf(config, names, name);
    if (kind == std::size(kinds))
      return false;
    ++kinds[kind].tensors;
    kinds[kind].bytes += bytes;
    return true;
  }

  void report(TensorCheck &check) const {
    for (const Kind &kind : kinds) {
      if (!kind.tensors)
        continue;
      check.ignoredTensors += kind.tensors;
      check.ignoredBytes += kind.bytes;
      check.ignoredLine += check.ignoredLine.empty() ? "ignored: " : ", ";
      check.ignoredLine += std::string(kind.name) + " (" +
                           std::to_string(kind.tensors) + " tensors, " +
                           std::to_string(kind.bytes) + " bytes)";
    }
  }

private:
  struct Kind {
    const char *name;
    uint64_t tensors = 0, bytes = 0;
  };
  static bool endsWith(const std::string &name, std::string_view end) {
    return name.size() >= end.size() &&
           name.compare(name.size() - end.size(), end.size(), end) == 0;
  }
  size_t kindOf(const ModelConfig &config, const CheckpointNames &names,
                const std::string &name) const {
    bool wrapped = names.prefix.rfind("language_model.", 0) == 0;
    std::string_view inner = name;
    if (wrapped && name.rfind("language_model.", 0) != 0)
      return 3;
    inner.remove_prefix(wrapped ? 15 : 0);
    if (inner.rfind("mtp.", 0) == 0)
      return 0;
    if (endsWith(name, ".k_scale") || endsWith(name, ".v_scale"))
      return 1;
    if (endsWith(name, ".input_scale"))
      return 2;
    if (config.tiedEmbeddings && inner == "lm_head.weight")
      return 4;
    return std::size(kinds);
  }

  Kind kinds[5] = {{"draft layers mtp.*"},
                   {"KV cache scales"},
                   {"input scales"},
                   {"other parts of the multimodal model"},
                   {"the tied lm_head"}};
};

/// Gathers lines, the first few in full.
class Problems {
public:
  explicit Problems(std::vector<std::string> &lines) : lines(lines) {}
  void add(std::string line) {
    if (++total <= maxProblems)
      lines.push_back(std::move(line));
  }
  void finish() {
    if (total > maxProblems)
      lines.push_back("and " + std::to_string(total - maxProblems) +
                      " more tensors that do not match");
  }

private:
  std::vector<std::string> &lines;
  size_t total = 0;
};
} // namespace

static std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? "," : "") + std::to_string(shape[i]);
  return text + "]";
}

static std::string describe(const char *dtypes,
                            const std::vector<int64_t> &shape) {
  return std::string(dtypes) + " " + shapeText(shape);
}

static bool dtypeAllowed(std::string_view allowed, std::string_view dtype) {
  for (size_t begin = 0; begin <= allowed.size();) {
    size_t end = std::min(allowed.find('|', begin), allowed.size());
    if (allowed.substr(begin, end - begin) == dtype)
      return true;
    begin = end + 1;
  }
  return false;
}

/// A scalar is [] or, from some writers, [1].
static bool shapeAllowed(const std::vector<int64_t> &expected,
                         const std::vector<int64_t> &found) {
  return expected == found ||
         (expected.empty() && found == std::vector<int64_t>{1});
}

/// Shards are named by the file that has the tensor; a missing tensor by the
/// first file and the number of the others.
static std::string filesOf(const rt::Checkpoint &checkpoint) {
  const std::vector<std::string> &files = checkpoint.files();
  if (files.size() == 1)
    return files[0];
  return files[0] + " and " + std::to_string(files.size() - 1) + " other files";
}

/// Quantised layers whose columns do not fill the format's groups.
static void checkGroups(const ModelConfig &config, Problems &problems) {
  if (config.quant.empty())
    return;
  auto check = [&](const std::string &module, int64_t columns) {
    WeightFormat format = config.formatOf(module);
    int64_t group = format == WeightFormat::NVFP4   ? 16
                    : format == WeightFormat::MXFP8 ? 32
                                                    : 1;
    if (columns % group != 0)
      problems.add(config.file + ": module '" + module + "' is " +
                   nameOf(format) + ": expected columns in groups of " +
                   std::to_string(group) + ", found " +
                   std::to_string(columns));
  };
  for (size_t i = 0; i < config.layers.size(); ++i)
    for (const ModelPart &part : partsOf(config, config.layers[i]))
      for (int64_t e = 0; part.kind == ModelPart::Linear && e < part.copies;
           ++e)
        check("layers." + std::to_string(i) + "." + expertName(part.name, e),
              part.shape[1]);
}

/// No writer is known that stacks quantised experts.
static void checkStacked(const ModelConfig &config,
                         const CheckpointNames &names, Problems &problems) {
  for (size_t i = 0; names.stackedExperts && i < config.layers.size(); ++i) {
    std::string module = names.layer(i) + "mixer.experts.0.up_proj";
    if (config.layers[i].kind == BlockKind::Moe &&
        config.formatOf(module) != WeightFormat::Plain)
      problems.add(config.file + ": module '" + module +
                   "': expected one tensor per expert where experts are " +
                   nameOf(config.formatOf(module)) + ", found stacked experts");
  }
}

/// Every layer the quantisation map names must be a linear layer of the model.
static void checkMapNames(const ModelConfig &config, Problems &problems) {
  if (config.quant.modules.empty())
    return;
  std::unordered_set<std::string> linears = {"lm_head"};
  for (size_t i = 0; i < config.layers.size(); ++i)
    for (const ModelPart &part : partsOf(config, config.layers[i]))
      for (int64_t e = 0; part.kind == ModelPart::Linear && e < part.copies;
           ++e)
        linears.insert("layers." + std::to_string(i) + "." +
                       expertName(part.name, e));
  std::vector<std::string> strangers;
  for (const auto &[module, format] : config.quant.modules)
    if (module.rfind("layers.", 0) == 0 && !linears.count(module))
      strangers.push_back(module);
  std::sort(strangers.begin(), strangers.end());
  for (const std::string &module : strangers)
    problems.add(config.file +
                 ": key 'quantized_layers': expected linear "
                 "layers of the model, found '" +
                 module + "'");
}

CheckpointNames detectNames(const ModelConfig &config,
                            const rt::Checkpoint &checkpoint) {
  CheckpointNames names;
  for (const char *wrapper : {"", "language_model."})
    for (const char *body : {"backbone.", "model."}) {
      std::string prefix = std::string(wrapper) + body;
      if (!checkpoint.find(prefix + "norm_f.weight") &&
          !checkpoint.find(prefix + "layers.0.norm.weight"))
        continue;
      names.prefix = prefix;
      names.finalNorm = prefix + "norm_f.weight";
      std::string alias = prefix + "embedding.weight";
      names.embedding =
          checkpoint.find(alias) ? alias : prefix + "embeddings.weight";
      names.head = std::string(wrapper) + "lm_head";
      if (config.tiedEmbeddings)
        names.head = names.embedding.substr(0, names.embedding.size() - 7);
      for (size_t i = 0; i < config.layers.size(); ++i)
        if (config.layers[i].kind == BlockKind::Moe)
          names.stackedExperts |=
              checkpoint.find(names.layer(i) + "mixer.experts.up_proj") !=
              nullptr;
      return names;
    }
  std::string example = "none";
  for (const auto &[name, info] : checkpoint.tensors())
    if (example == "none" || name < example)
      example = name;
  throw rt::Error(
      filesOf(checkpoint) +
          ": expected tensors 'backbone.layers.0.norm.weight' or "
          "'model.layers.0.norm.weight', found '" +
          example.substr(0, 200) + "'",
      "supported is the layout of Hugging Face transformers' nemotron_h");
}

static void compare(const ExpectedTensor &expected,
                    const rt::Checkpoint &checkpoint, TensorCheck &check,
                    Problems &problems) {
  const rt::TensorInfo *found = checkpoint.find(expected.name);
  if (!found) {
    problems.add(filesOf(checkpoint) + ": tensor '" + expected.name +
                 "': expected " + describe(expected.dtypes, expected.shape) +
                 ", found none");
    return;
  }
  ++check.usedTensors;
  check.usedBytes += found->bytes;
  if (!dtypeAllowed(expected.dtypes, found->dtype) ||
      !shapeAllowed(expected.shape, found->shape))
    problems.add(checkpoint.files()[found->file] + ": tensor '" +
                 expected.name + "': expected " +
                 describe(expected.dtypes, expected.shape) + ", found " +
                 describe(found->dtype.c_str(), found->shape));
}

/// In the order of the names, so that messages do not depend on hashing.
static void findSurplus(const ModelConfig &config,
                        const rt::Checkpoint &checkpoint,
                        const std::vector<ExpectedTensor> &expected,
                        TensorCheck &check, Problems &problems) {
  std::unordered_set<std::string_view> known(expected.size());
  for (const ExpectedTensor &tensor : expected)
    known.insert(tensor.name);
  IgnoredTensors ignored;
  std::vector<const std::string *> surplus;
  for (const auto &[name, info] : checkpoint.tensors())
    if (!known.count(name) &&
        !ignored.take(config, check.names, name, info.bytes))
      surplus.push_back(&name);
  std::sort(surplus.begin(), surplus.end(),
            [](const auto *a, const auto *b) { return *a < *b; });
  for (const std::string *name : surplus) {
    const rt::TensorInfo *info = checkpoint.find(*name);
    problems.add(checkpoint.files()[info->file] + ": tensor '" +
                 name->substr(0, 200) +
                 "': expected none, since the config does not name such a "
                 "weight, found " +
                 describe(info->dtype.c_str(), info->shape));
  }
  ignored.report(check);
}

TensorCheck checkTensors(const ModelConfig &config,
                         const rt::Checkpoint &checkpoint) {
  TensorCheck check;
  check.names = detectNames(config, checkpoint);
  Problems problems(check.problems);
  checkGroups(config, problems);
  checkStacked(config, check.names, problems);
  checkMapNames(config, problems);
  std::vector<ExpectedTensor> expected = expectedTensors(config, check.names);
  for (const ExpectedTensor &tensor : expected)
    compare(tensor, checkpoint, check, problems);
  findSurplus(config, checkpoint, expected, check, problems);
  problems.finish();
  return check;
}

TensorCheck requireTensors(const ModelConfig &config,
                           const rt::Checkpoint &checkpoint) {
  TensorCheck check = checkTensors(config, checkpoint);
  if (check.problems.empty())
    return check;
  std::string hint = "config.json and the tensors disagree";
  if (check.problems.size() > 1)
    hint += "; `braid plan` lists all differences";
  throw rt::Error(check.problems.front(), hint);
}

} // namespace braid
