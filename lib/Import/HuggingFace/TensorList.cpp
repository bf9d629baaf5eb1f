//===- TensorList.cpp - the tensors a config promises ---------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Import/TensorList.h"
#include "braid/Import/ModelParts.h"

namespace braid {

static constexpr const char *anyFloat = "BF16|F16|F32";

namespace {
/// Appends what parts expand to.
class Expander {
public:
  Expander(const ModelConfig &config, const CheckpointNames &names)
      : config(config), names(names) {}

  void outer() {
    for (const ModelPart &part : outerPartsOf(config)) {
      if (part.kind == ModelPart::Linear)
        addLinear(names.head, part);
      else
        add(part.name == "norm_f.weight" ? names.finalNorm : names.embedding,
            part.shape, anyFloat);
    }
  }

  void layer(size_t index) {
    std::string prefix = names.layer(index);
    for (const ModelPart &part : partsOf(config, config.layers[index]))
      addPart(prefix, part);
  }

  std::vector<ExpectedTensor> result;

private:
  void add(std::string name, std::vector<int64_t> shape, const char *dtypes) {
    result.push_back({std::move(name), std::move(shape), dtypes});
  }

  void addPart(const std::string &prefix, const ModelPart &part) {
    if (part.kind != ModelPart::Linear)
      return add(prefix + part.name, part.shape,
                 part.kind == ModelPart::TensorF32 ? "F32" : anyFloat);
    bool perExpert = part.name.find("{E}") != part.name.npos;
    if (perExpert && names.stackedExperts)
      return addStack(prefix, part);
    if (!perExpert)
      return addLinear(prefix + part.name, part);
    for (int64_t expert = 0; expert < part.copies; ++expert)
      addLinear(prefix + expertName(part.name, expert), part);
  }

  /// transformers 5: one tensor with no ".weight".
  void addStack(const std::string &prefix, const ModelPart &part) {
    std::string name = part.name;
    name.erase(name.find("{E}."), 4);
    add(prefix + name, {part.copies, part.shape[0], part.shape[1]}, anyFloat);
  }

  void addLinear(const std::string &module, const ModelPart &part) {
    addWeight(module, part.shape[0], part.shape[1], config.formatOf(module));
    if (part.bias)
      add(module + ".bias", {part.shape[0]}, anyFloat);
  }

  void addWeight(const std::string &module, int64_t n, int64_t k,
                 WeightFormat format) {
    std::string weight = module + ".weight", scale = module + ".weight_scale";
    switch (format) {
    case WeightFormat::Plain:
      return add(weight, {n, k}, anyFloat);
    case WeightFormat::NVFP4:
      add(weight, {n, k / 2}, "U8");
      add(scale, {n, k / 16}, "F8_E4M3");
      return add(module + ".weight_scale_2", {}, "F32");
    case WeightFormat::FP8:
      add(weight, {n, k}, "F8_E4M3");
      return add(scale, {}, "F32");
    case WeightFormat::FP8PerChannel:
      add(weight, {n, k}, "F8_E4M3");
      return add(scale, {n}, "F32");
    case WeightFormat::FP8Block128:
      add(weight, {n, k}, "F8_E4M3");
      return add(scale, {(n + 127) / 128, 1, (k + 127) / 128, 1}, "F32");
    case WeightFormat::MXFP8:
      add(weight, {n, k}, "F8_E4M3");
      return add(scale, {n, k / 32}, "F8_E8M0");
    }
  }

  const ModelConfig &config;
  const CheckpointNames &names;
};

} // namespace

std::vector<ExpectedTensor> expectedTensors(const ModelConfig &config,
                                            const CheckpointNames &names) {
  Expander expander(config, names);
  expander.outer();
  for (size_t i = 0; i < config.layers.size(); ++i)
    expander.layer(i);
  return std::move(expander.result);
}

} // namespace braid
