//===- Machine.cpp - machines that predictions are made for ---------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "braid/Analysis/Machine.h"
#include "braid-rt/error.h"

#include <charconv>
#include <cmath>

namespace braid {

const std::vector<Machine> &usualMachines() {
  static const std::vector<Machine> machines = {
      {"laptop-ddr5", 80e9, 1e12, int64_t(32) << 30, "", 0, 0},
      {"epyc-9654", 460e9, 10e12, int64_t(384) << 30, "", 0, 0},
#define GPU_MACHINE(name, target, multiprocessors, bandwidth, tensor, lanes,   \
                    memory)                                                    \
  {name, bandwidth, tensor, int64_t(memory), target, multiprocessors, lanes},
#include "GPUTime.def"
  };
  return machines;
}

/// 1 for "", 1e9 for "G", 1024^3 for "Gi"; moves `unit` behind it. 0: unknown.
static double scaleOf(std::string_view &unit) {
  static constexpr std::string_view letters = "kMGTP";
  if (unit.empty())
    return 1;
  char letter = unit[0] == 'K' ? 'k' : unit[0];
  size_t power = letters.find(letter);
  if (power == letters.npos)
    return 1;
  unit.remove_prefix(1);
  bool binary = !unit.empty() && unit[0] == 'i';
  unit.remove_prefix(binary ? 1 : 0);
  return std::pow(binary ? 1024.0 : 1000.0, double(power + 1));
}

double parseQuantity(const std::string &text, const std::string &what) {
  double value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  std::string_view unit(end, size_t(text.data() + text.size() - end));
  double scale = scaleOf(unit);
  bool known = unit.empty() || unit == "B" || unit == "B/s" ||
               unit == "FLOP/s" || unit == "FLOPS" || unit == "FLOP";
  double result = value * scale;
  if (error != std::errc() || !known || !(result > 0) || result > 1e18)
    throw rt::Error(what +
                    ": expected a number like 24GiB, 3.3TB/s or 989T, "
                    "found '" +
                    text.substr(0, 80) + "'");
  return result;
}

int64_t parseMemory(const std::string &text, const std::string &what) {
  double bytes = parseQuantity(text, what);
  if (bytes < 1 << 20)
    throw rt::Error(what + ": expected at least 1MiB, found '" + text + "'",
                    isdigit(text.back()) ? "without a unit it is bytes; did "
                                           "you mean " +
                                               text + "GiB?"
                                         : "");
  return int64_t(bytes);
}

static std::string nameList() {
  std::string names;
  for (const Machine &machine : usualMachines())
    names += (names.empty() ? "" : ", ") + machine.name;
  return names;
}

static void setField(Machine &machine, const std::string &field) {
  size_t equals = field.find('=');
  std::string key = field.substr(0, equals), what = "--machine: " + key;
  std::string value =
      equals == field.npos ? std::string() : field.substr(equals + 1);
  if (key == "bw")
    machine.bandwidth = parseQuantity(value, what);
  else if (key == "flops")
    machine.flops = parseQuantity(value, what);
  else if (key == "memory")
    machine.memory = parseMemory(value, what);
  else
    throw rt::Error("--machine: expected a name (" + nameList() +
                    ") or bw=..,flops=..[,memory=..], found '" +
                    field.substr(0, 80) + "'");
}

Machine parseMachine(const std::string &text) {
  for (const Machine &machine : usualMachines())
    if (machine.name == text)
      return machine;
  Machine machine;
  machine.name = "custom";
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    setField(machine, text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (machine.bandwidth == 0 || machine.flops == 0)
    throw rt::Error("--machine: expected both bw=.. and flops=.., found '" +
                    text.substr(0, 80) + "'");
  return machine;
}

} // namespace braid
