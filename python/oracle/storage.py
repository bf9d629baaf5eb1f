#===- storage.py - number formats of checkpoints ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How checkpoints store numbers, and what FP32 value each code stands for."""
import numpy as np

from .precision import F32, bf16

# safetensors dtype -> the NumPy type of its raw elements
RAW = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16,
    "I64": np.int64, "I32": np.int32, "I16": np.int16, "I8": np.int8,
    "U8": np.uint8, "BOOL": np.bool_, "F8_E4M3": np.uint8,
}

# E2M1, sign not counted: 2 bits of exponent, 1 of mantissa
E2M1_MAGNITUDES = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], F32)


def decode_bf16(bits):
    """uint16 -> FP32: the upper half of the FP32 number."""
    return (bits.astype(np.uint32) << np.uint32(16)).view(F32)


def encode_bf16(x):
    """FP32 -> uint16, to nearest, ties to even."""
    return (bf16(x).view(np.uint32) >> np.uint32(16)).astype(np.uint16)


def e4m3_table():
    """All 256 values of F8_E4M3 ("fn"): bias 7, no infinity, S1111111 is NaN.

    value = (-1)^s 2^(e-7) (1 + m/8),  or (-1)^s 2^-6 m/8 for e = 0.
    """
    code = np.arange(256)
    sign = np.where(code & 0x80, -1.0, 1.0)
    e, m = (code >> 3) & 15, code & 7
    value = sign * np.where(e == 0, 2.0**-6 * m / 8, 2.0 ** (e - 7.0) * (1 + m / 8))
    value[(code & 0x7F) == 0x7F] = np.nan
    return value.astype(F32)


E4M3 = e4m3_table()


def decode_e4m3(codes):
    """uint8 codes of any shape -> FP32."""
    return E4M3[codes]


def decode_e2m1(packed):
    """uint8 [N, K/2] -> FP32 [N, K]. Element 2j is the low nibble of byte j,
    2j+1 the high one; bit 3 of a nibble is the sign."""
    low, high = packed & 15, packed >> 4
    code = np.stack([low, high], axis=-1).reshape(packed.shape[0], -1)
    return E2M1_MAGNITUDES[code & 7] * np.where(code & 8, F32(-1), F32(1))


def decode_fp8(codes, scale):
    """W = e4m3(codes) * scale; one scale per tensor.  [N, K], [] -> [N, K]."""
    return decode_e4m3(codes) * F32(scale)


def decode_nvfp4(packed, block_scale, scale, block=16):
    """W[n, j] = e2m1 * (e4m3(block_scale[n, j / block]) * scale), the product
    of the scales first, in FP32.

    packed uint8 [N, K/2], block_scale uint8 [N, K/block], scale [] -> [N, K].
    """
    scales = decode_e4m3(block_scale) * F32(scale)
    return decode_e2m1(packed) * np.repeat(scales, block, axis=1)


def to_float(dtype, raw):
    """Raw elements of a stored tensor -> FP32, for the formats without scales."""
    if dtype == "BF16":
        return decode_bf16(raw)
    if dtype in ("F32", "F16", "F64"):
        return raw.astype(F32)
    raise ValueError(f"cannot read {dtype} as numbers without its scales")
