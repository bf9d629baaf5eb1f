//===- Synthetic.cpp - weights made from a seed ---------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Synthetic.h"
#include "Random.h"
#include "braid-rt/error.h"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace braid::rt {
namespace {

/// The parsed `init`: value(u) for u uniform in [0, 1), but for bytes.
struct Init {
  enum Kind { Constant, Uniform, LogUniform, Bytes } kind = Constant;
  double a = 0, b = 0;

  double value(double u) const {
    switch (kind) {
    case Constant:
      return a;
    case Uniform:
      return a + u * (b - a);
    case LogUniform:
      return std::log(a + u * (b - a));
    case Bytes:
      break;
    }
    return 0;
  }
};

Init parseInit(const std::string &text, const std::string &name) {
  double a = 0, b = 0;
  char rest;
  if (text == "ones")
    return {Init::Constant, 1, 1};
  if (text == "bytes")
    return {Init::Bytes, 0, 0};
  if (std::sscanf(text.c_str(), "const:%lf%c", &a, &rest) == 1)
    return {Init::Constant, a, a};
  if (std::sscanf(text.c_str(), "uniform:%lf%c", &b, &rest) == 1)
    return {Init::Uniform, -b, b};
  if (std::sscanf(text.c_str(), "log_uniform:%lf:%lf%c", &a, &b, &rest) == 2 &&
      a > 0)
    return {Init::LogUniform, a, b};
  throw Error(name + ": cannot be made up: its init is \"" + text + "\"",
              "synthetic weights know uniform, ones, log_uniform, const and bytes");
}

/// FNV-1a.
uint64_t hashOf(const std::string &text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char c : text)
    hash = (hash ^ c) * 0x100000001b3;
  return hash;
}

/// Rounds to nearest even into sign, `exponent` and `mantissa` bits; values
/// beyond the largest finite number of e4m3 do not occur in weights and
/// saturate.
uint32_t smallFloat(double x, int exponent, int mantissa) {
  int bias = (1 << (exponent - 1)) - 1;
  uint32_t sign = uint32_t(std::signbit(x)) << (exponent + mantissa);
  x = std::fabs(x);
  int e = x > 0 ? std::max(std::ilogb(x), 1 - bias) : 1 - bias;
  // Counted in units of the last place, a carry runs into the exponent.
  auto units = uint64_t(std::nearbyint(std::ldexp(x, mantissa - e)));
  uint64_t bits = (uint64_t(e + bias - 1) << mantissa) + units;
  uint64_t largest = (uint64_t(1) << (exponent + mantissa)) - 2;
  return sign | uint32_t(std::min(bits, largest));
}

/// Small enough numbers are exact in float; BF16 is its upper half.
uint16_t bfloat(double x) {
  auto bits = std::bit_cast<uint32_t>(float(x));
  return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

template <typename T, typename Encode>
void fill(uint64_t key, const Init &init, uint64_t first, uint64_t count,
          std::byte *to, Encode encode) {
  for (uint64_t i = 0; i < count; ++i) {
    T value = encode(init.value(uniform(key, first + i)));
    std::memcpy(to + i * sizeof(T), &value, sizeof(T));
  }
}

} // namespace

void fillSynthetic(uint64_t seed, const std::string &name,
                   const WeightSource &source, uint64_t first, std::byte *to) {
  Init init = parseInit(source.init, name);
  uint64_t key = mix(seed ^ mix(hashOf(name)));
  auto with = [&]<typename T>(T, auto encode) {
    fill<T>(key, init, first, source.elements(), to, encode);
  };
  const std::string &dtype = source.dtype;
  bool bytes = init.kind == Init::Bytes;
  if (bytes != (dtype == "U8"))
    throw Error(name + ": cannot be made up: dtype " + dtype + " with init \"" +
                source.init + "\"");
  if (bytes) // Two FP4 numbers in each.
    for (uint64_t i = 0; i < source.elements(); ++i)
      to[i] = std::byte(random(key, first + i) >> 56);
  else if (dtype == "BF16")
    with(uint16_t(), bfloat);
  else if (dtype == "F32")
    with(float(), [](double x) { return float(x); });
  else if (dtype == "F16")
    with(uint16_t(), [](double x) { return uint16_t(smallFloat(x, 5, 10)); });
  else if (dtype == "F8_E4M3")
    with(uint8_t(), [](double x) { return uint8_t(smallFloat(x, 4, 3)); });
  else
    throw Error(name + ": cannot be made up: dtype " + dtype);
}

} // namespace braid::rt
