//===- PlanTime.cpp - predicted times of steps on a GPU -------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PlanTime.h"

#include <algorithm>
#include <cstdio>

namespace braid {

using rt::Json;

namespace {
struct Line {
  const KernelWork *work;
  KernelTime time;
};
} // namespace

static std::vector<Line> linesOf(const PlannedStep &step,
                                 const Machine &machine) {
  std::vector<Line> lines;
  for (const KernelWork &work : step.kernels)
    lines.push_back({&work, predict(work, machine)});
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line &a, const Line &b) {
                     return a.time.seconds > b.time.seconds;
                   });
  return lines;
}

static KernelWork sumOf(const PlannedStep &step) {
  KernelWork sum;
  sum.name = "all";
  for (const KernelWork &work : step.kernels) {
    sum.launches += work.launches;
    sum.bytes += work.bytes;
    sum.flops += work.flops;
  }
  return sum;
}

static std::string row(const KernelWork &work, const KernelTime &time,
                       double all) {
  char text[256];
  std::snprintf(text, sizeof text,
                "           %-44.44s %8lld %10.2f %10.2f %9.1f %9.1f %5.1f %%  "
                "%s%s%s\n",
                work.name.c_str(), (long long)work.launches, work.bytes / 1e6,
                work.flops / 1e9, time.seconds * 1e6, time.atBest * 1e6,
                100 * time.seconds / all, time.limit.c_str(),
                work.unit.empty() ? "" : ", ", work.unit.c_str());
  return text;
}

static std::string describe(const StepShape &shape) {
  if (shape.rows == shape.sequences)
    return "batch " + std::to_string(shape.rows) + ", context " +
           std::to_string(shape.context);
  return std::to_string(shape.rows) + " tokens";
}

static std::string stepText(const PlannedStep &step, const Machine &machine) {
  char text[256];
  KernelTime total = predict(step.kernels, machine);
  std::string out = "time       " + step.name + ", " + describe(step.shape) +
                    ", on " + machine.name + " (" + machine.target +
                    "); predicted, not measured\n";
  std::snprintf(text, sizeof text, "           %-44s %8s %10s %10s %9s %9s %7s  %s\n",
                "kernel", "launches", "MB", "GFLOP", "us", "at best", "part",
                "limit");
  out += text;
  for (const Line &line : linesOf(step, machine))
    out += row(*line.work, line.time, total.seconds);
  KernelWork sum = sumOf(step);
  out += row(sum, total, total.seconds);
  std::snprintf(text, sizeof text,
                "           %.2f ms, %.1f tokens/s; %.2f ms at the published "
                "peaks: %.0f %% of it; %.0f %% of tensor peak\n",
                total.seconds * 1e3, double(step.shape.rows) / total.seconds,
                total.atBest * 1e3, 100 * total.atBest / total.seconds,
                100 * sum.flops / total.seconds / machine.flops);
  return out + text;
}

std::string stepsText(const std::vector<PlannedStep> &steps,
                      const Machine &machine) {
  std::string out;
  for (const PlannedStep &step : steps)
    out += stepText(step, machine);
  return out;
}

static Json timeJson(const KernelWork &work, const KernelTime &time) {
  return {{"launches", work.launches},     {"bytes", work.bytes},
          {"flops", work.flops},           {"seconds", time.seconds},
          {"seconds_at_best", time.atBest}, {"limit", time.limit}};
}

static Json stepJson(const PlannedStep &step, const Machine &machine) {
  Json json = timeJson(sumOf(step), predict(step.kernels, machine));
  json["step"] = step.name;
  json["machine"] = machine.name;
  json["target"] = machine.target;
  json["rows"] = step.shape.rows;
  json["sequences"] = step.shape.sequences;
  json["context"] = step.shape.context;
  json["kernels"] = Json::array();
  for (const Line &line : linesOf(step, machine)) {
    Json kernel = timeJson(*line.work, line.time);
    kernel["name"] = line.work->name;
    kernel["op"] = line.work->op;
    kernel["unit"] = line.work->unit;
    kernel["blocks"] = line.work->blocks;
    json["kernels"].push_back(kernel);
  }
  return json;
}

Json stepsJson(const std::vector<PlannedStep> &steps, const Machine &machine) {
  Json list = Json::array();
  for (const PlannedStep &step : steps)
    list.push_back(stepJson(step, machine));
  return list;
}

} // namespace braid
