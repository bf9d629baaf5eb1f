#===- limits.py - what others reach on this GPU, in the same run ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Limits to hold Braid's speed against, measured through the driver and, where
it is installed, cuBLAS. References only: Braid itself uses neither for its work."""
import contextlib
import ctypes
import os
import time

import numpy as np

COPIED = 1 << 30                              # bytes
CUBLAS = ("libcublas.so", "libcublas.so.13", "libcublas.so.12", "libcublas.so.11")
CUDA_R_16BF, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT, CUBLAS_OP_N, CUBLAS_OP_T = 14, 68, -1, 0, 1


class NotMeasured(Exception):
    """Why, in one line."""


def call(function, *arguments):
    code = function(*arguments)
    if code:
        raise NotMeasured(f"{function.__name__} returned {code}")


def load(names):
    failures = []
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError as failure:
            failures.append(str(failure))
    raise NotMeasured("; ".join(failures))


class Gpu:
    """A GPU's primary context, which Braid's processes do not share."""

    def __init__(self, number):
        self.driver = load([os.environ.get("BRAID_CUDA_LIBRARY", "libcuda.so.1")])
        self.number, self.stream = number, ctypes.c_void_p()

    def __enter__(self):
        device, context, driver = ctypes.c_int(), ctypes.c_void_p(), self.driver
        with contextlib.ExitStack() as held:
            call(driver.cuInit, 0)
            call(driver.cuDeviceGet, ctypes.byref(device), self.number)
            call(driver.cuDevicePrimaryCtxRetain, ctypes.byref(context), device)
            held.callback(driver.cuDevicePrimaryCtxRelease_v2, device)
            call(driver.cuCtxSetCurrent, context)
            call(driver.cuStreamCreate, ctypes.byref(self.stream), 1)  # CU_STREAM_NON_BLOCKING
            held.callback(driver.cuStreamDestroy_v2, self.stream)
            self.held = held.pop_all()
        return self

    def __exit__(self, *_):
        self.held.close()

    def allocate(self, size):
        address = ctypes.c_uint64()
        call(self.driver.cuMemAlloc_v2, ctypes.byref(address), ctypes.c_size_t(size))
        self.held.callback(self.driver.cuMemFree_v2, address)
        call(self.driver.cuMemsetD8Async, address, ctypes.c_ubyte(0), ctypes.c_size_t(size), self.stream)
        return address

    def matrix(self, n):
        """n x n numbers in BF16. Not zeros: a GPU clocks higher on those."""
        numbers = np.random.default_rng(n).standard_normal(n * n, dtype=np.float32)
        halves = np.ascontiguousarray(numbers.view(np.uint32) >> 16, dtype=np.uint16)
        address = self.allocate(halves.nbytes)
        call(self.driver.cuMemcpyHtoDAsync_v2, address, halves.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(halves.nbytes), self.stream)
        call(self.driver.cuStreamSynchronize, self.stream)
        return address

    def seconds(self, work, times):
        """Of one `work`, which puts something into the stream; the best of 3."""
        best = float("inf")
        work()
        for _ in range(3):
            call(self.driver.cuStreamSynchronize, self.stream)
            begin = time.perf_counter()
            for _ in range(times):
                work()
            call(self.driver.cuStreamSynchronize, self.stream)
            best = min(best, (time.perf_counter() - begin) / times)
        return best

    def copy_bandwidth(self, size=COPIED):
        """Bytes per second, read and written, of a copy within the GPU."""
        source, target = self.allocate(size), self.allocate(size)
        copy = self.driver.cuMemcpyDtoDAsync_v2
        return 2 * size / self.seconds(lambda: call(copy, target, source, ctypes.c_size_t(size), self.stream), 10)

    def gemm_flops(self, n):
        """FLOP/s of cuBLAS, n x n x n in BF16 with FP32 sums."""
        cublas, handle = load(CUBLAS), ctypes.c_void_p()
        call(cublas.cublasCreate_v2, ctypes.byref(handle))
        try:
            call(cublas.cublasSetStream_v2, handle, self.stream)
            a, b, c = (self.matrix(n) for _ in range(3))
            one, zero = ctypes.c_float(1), ctypes.c_float(0)

            def multiply():
                call(cublas.cublasGemmEx, handle, CUBLAS_OP_T, CUBLAS_OP_N, n, n, n, ctypes.byref(one), a, CUDA_R_16BF, n, b, CUDA_R_16BF, n,
                     ctypes.byref(zero), c, CUDA_R_16BF, n, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT)

            return 2 * n**3 / self.seconds(multiply, 20)
        finally:
            cublas.cublasDestroy_v2(handle)
