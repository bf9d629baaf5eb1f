//===- PlanReport.cpp - what `braid plan` knows, and how it says it -------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PlanReport.h"
#include "braid-rt/json.h"
#include "braid/Analysis/LayerMap.h"

#include <algorithm>
#include <cstdio>

using braid::rt::Json;

namespace braid {

static constexpr int64_t plannedBatches[] = {1, 2, 4, 8, 16, 32, 64};

double PlanReport::tokensPerSecond(const Machine &machine) const {
  int64_t batch = options.batch, context = options.context;
  double move = stepBytes(config, state, batch, context) / machine.bandwidth;
  double compute =
      double(batch) * decodeFlops(config).at(context) / machine.flops;
  return double(batch) / std::max(move, compute);
}

bool PlanReport::fits(const Machine &machine) const {
  return machine.memory == 0 ||
         largestContext(config, state, residentBytes, machine.memory,
                        options.batch) >= options.context;
}

void computePlan(PlanReport &report) {
  const ModelConfig &config = report.config;
  if (report.options.context == 0)
    report.options.context = std::min<int64_t>(4096, config.context);
  report.parameters = countParameters(config);
  report.state = stateBytes(config, report.options.elementBytes);
  report.residentBytes = weightBytes(config, std::nullopt);
  report.storedBytes = report.residentBytes + draftWeightBytes(config);
  if (report.check) {
    report.residentBytes = int64_t(report.check->usedBytes);
    report.storedBytes =
        report.residentBytes + int64_t(report.check->ignoredBytes);
  }
}

/// 31577937344 -> "31.58 G"; three to four digits.
static std::string scaled(double value) {
  static constexpr const char *units[] = {"", "k", "M", "G", "T", "P"};
  int unit = 0;
  for (; value >= 1000 && unit < 5; ++unit)
    value /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, unit ? "%.2f %s" : "%.0f %s", value,
                units[unit]);
  return text;
}

static std::string bytes(double value) { return scaled(value) + "B"; }

/// Parameters are counted in billions, not in giga.
static std::string count(int64_t value) {
  std::string text = scaled(double(value));
  if (!text.empty() && text.back() == 'G')
    text.back() = 'B';
  return text;
}

namespace {
/// Lines of a label and a text; the label stands once.
class Sheet {
public:
  void line(const char *label, const std::string &text) {
    char head[16];
    std::snprintf(head, sizeof head, "%-11s", label);
    out += head + text + "\n";
  }
  std::string out;
};
} // namespace

static void addModel(Sheet &sheet, const PlanReport &r) {
  const ModelConfig &c = r.config;
  sheet.line("model", c.modelType + ", " + std::to_string(c.layers.size()) +
                          " layers, hidden " + std::to_string(c.hidden) +
                          ", vocabulary " + std::to_string(c.vocab) +
                          ", context " + std::to_string(c.context));
  sheet.line("", c.pattern());
  const char *label = "layers";
  for (const std::string &line : drawLayerMap(c)) {
    sheet.line(label, line);
    label = "";
  }
}

static void addWeights(Sheet &sheet, const PlanReport &r) {
  const ModelConfig &c = r.config;
  std::string draft = r.parameters.mtp ? "; draft layers (MTP) " +
                                             count(r.parameters.mtp) + " apart"
                                       : "";
  sheet.line("parameters", count(r.parameters.total) + " total, " +
                               count(r.parameters.active) + " active" + draft);
  std::string origin =
      r.check
          ? "exact, " +
                std::to_string(r.check->usedTensors + r.check->ignoredTensors) +
                " tensors in " + std::to_string(r.files) +
                (r.files == 1 ? " file" : " files")
          : "from config.json alone";
  sheet.line("weights", "as stored " + bytes(double(r.storedBytes)) + " = " +
                            std::to_string(r.storedBytes) + " bytes (" +
                            origin + ")");
  if (r.storedBytes != r.residentBytes)
    sheet.line("", "in memory " + bytes(double(r.residentBytes)) +
                       ", without draft layers and unused scales");
  auto as = [&](WeightFormat f) { return bytes(double(weightBytes(c, f))); };
  sheet.line("", "f32 " + bytes(double(weightBytesPlain(c, 4))) + ", bf16 " +
                     bytes(double(weightBytesPlain(c, 2))) + ", fp8 " +
                     as(WeightFormat::FP8) + ", nvfp4 " +
                     as(WeightFormat::NVFP4) +
                     " (the latter two: projections and experts)");
}

static void addCosts(Sheet &sheet, const PlanReport &r) {
  const ModelConfig &c = r.config;
  sheet.line("state",
             bytes(double(r.state.perSequence())) + " per sequence (SSM " +
                 bytes(double(r.state.ssm)) + " in " + c.ssmCacheDtype +
                 ", convolution " + bytes(double(r.state.conv)) + "), KV " +
                 std::to_string(r.state.kvPerToken) + " bytes per token");
  TokenFlops decode = decodeFlops(c), prefill = prefillFlops(c);
  sheet.line("decode", scaled(decode.fixed) + "FLOP a token + " +
                           scaled(decode.perContext) +
                           "FLOP per token of context");
  sheet.line("", bytes(stepWeightBytes(c, 1)) + " of weights + " +
                     bytes(2.0 * double(r.state.perSequence())) +
                     " of state + " + std::to_string(r.state.kvPerToken) +
                     " bytes per token of context");
  sheet.line("prefill", scaled(prefill.fixed) + "FLOP a token + " +
                            scaled(prefill.perContext) +
                            "FLOP per token of the prompt");
}

static void addMachines(Sheet &sheet, const PlanReport &r) {
  sheet.line("speed", "at most, batch " + std::to_string(r.options.batch) +
                          ", context " + std::to_string(r.options.context) +
                          ":");
  for (const Machine &machine : r.options.machines) {
    char text[160];
    std::snprintf(text, sizeof text,
                  "%-12s %10sB/s %10sFLOP/s %9.1f tokens/s%s",
                  machine.name.c_str(), scaled(machine.bandwidth).c_str(),
                  scaled(machine.flops).c_str(), r.tokensPerSecond(machine),
                  r.fits(machine) ? "" : "  (does not fit in its memory)");
    sheet.line("", text);
  }
}

static void addMemory(Sheet &sheet, const PlanReport &r) {
  if (!r.options.memory)
    return;
  sheet.line("memory", "the largest context within " +
                           std::to_string(r.options.memory) + " bytes:");
  for (int64_t batch : plannedBatches) {
    int64_t context = largestContext(r.config, r.state, r.residentBytes,
                                     r.options.memory, batch);
    std::string text = std::to_string(context) + " tokens each";
    if (context == r.config.context)
      text += ", the model's limit";
    sheet.line("", "batch " + std::to_string(batch) + ": " +
                       (context ? text : "does not fit"));
  }
}

std::string planText(const PlanReport &report) {
  Sheet sheet;
  addModel(sheet, report);
  addWeights(sheet, report);
  addCosts(sheet, report);
  addMachines(sheet, report);
  addMemory(sheet, report);
  const Machine &machine = report.options.machines.front();
  if (!report.steps.empty())
    sheet.out += stepsText(report.steps, machine);
  if (!report.steps.empty() && !report.fits(machine))
    sheet.line("note", "these are times of a " + machine.name +
                           " with more memory: the model does not fit in it");
  if (report.check && !report.check->ignoredLine.empty())
    sheet.line("note", report.check->ignoredLine);
  for (const std::string &note : report.config.notes)
    sheet.line("note", note);
  for (const std::string &line : report.config.unsupported)
    sheet.line("note", "not compiled: " + line);
  if (report.options.verbose)
    for (const std::string &key : report.config.unknownKeys)
      sheet.line("note", "nothing reads key '" + key + "'");
  return sheet.out;
}

static Json weightsJson(const PlanReport &r) {
  const ModelConfig &c = r.config;
  Json json = {{"stored_bytes", r.storedBytes},
               {"resident_bytes", r.residentBytes},
               {"exact", r.check.has_value()}};
  if (r.check) {
    json["tensors"] = r.check->usedTensors + r.check->ignoredTensors;
    json["ignored_tensors"] = r.check->ignoredTensors;
    json["ignored_bytes"] = r.check->ignoredBytes;
  }
  json["by_format"] = {{"f32", weightBytesPlain(c, 4)},
                       {"bf16", weightBytesPlain(c, 2)},
                       {"fp8", weightBytes(c, WeightFormat::FP8)},
                       {"nvfp4", weightBytes(c, WeightFormat::NVFP4)}};
  return json;
}

static Json machinesJson(const PlanReport &r) {
  Json list = Json::array();
  for (const Machine &machine : r.options.machines)
    list.push_back({{"name", machine.name},
                    {"bandwidth", machine.bandwidth},
                    {"flops", machine.flops},
                    {"memory", machine.memory},
                    {"batch", r.options.batch},
                    {"context", r.options.context},
                    {"tokens_per_second", r.tokensPerSecond(machine)},
                    {"fits", r.fits(machine)}});
  return list;
}

static Json memoryJson(const PlanReport &r) {
  Json list = Json::array();
  for (int64_t batch : plannedBatches)
    list.push_back(
        {{"batch", batch},
         {"context", largestContext(r.config, r.state, r.residentBytes,
                                    r.options.memory, batch)}});
  return {{"bytes", r.options.memory}, {"contexts", list}};
}

static Json layerMapJson(const ModelConfig &config) {
  Json list = Json::array();
  for (const LayerRun &run : foldLayers(layerNames(config)))
    list.push_back({{"unit", run.unit}, {"times", run.times}});
  return list;
}

std::string planJson(const PlanReport &r) {
  const ModelConfig &c = r.config;
  TokenFlops decode = decodeFlops(c), prefill = prefillFlops(c);
  Json json = {{"schema", 1},
               {"model",
                {{"type", c.modelType},
                 {"layers", c.layers.size()},
                 {"pattern", c.pattern()},
                 {"hidden", c.hidden},
                 {"vocabulary", c.vocab},
                 {"context", c.context}}},
               {"layer_map", layerMapJson(c)},
               {"parameters",
                {{"total", r.parameters.total},
                 {"active", r.parameters.active},
                 {"mtp", r.parameters.mtp}}},
               {"weights", weightsJson(r)},
               {"state",
                {{"bytes_per_sequence", r.state.perSequence()},
                 {"ssm_bytes", r.state.ssm},
                 {"conv_bytes", r.state.conv},
                 {"ssm_dtype", c.ssmCacheDtype}}},
               {"kv", {{"bytes_per_token", r.state.kvPerToken}}},
               {"decode",
                {{"flops_per_token", decode.fixed},
                 {"flops_per_context_token", decode.perContext},
                 {"weight_bytes_per_token", stepWeightBytes(c, 1)},
                 {"state_bytes_per_token", 2 * r.state.perSequence()},
                 {"kv_bytes_per_context_token", r.state.kvPerToken}}},
               {"prefill",
                {{"flops_per_token", prefill.fixed},
                 {"flops_per_prompt_token", prefill.perContext}}},
               {"machines", machinesJson(r)}};
  if (r.options.memory)
    json["memory"] = memoryJson(r);
  if (!r.steps.empty())
    json["steps"] = stepsJson(r.steps, r.options.machines.front());
  json["notes"] = c.notes;
  json["not_compiled"] = c.unsupported;
  json["unknown_keys"] = c.unknownKeys;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace braid
