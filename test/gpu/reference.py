#===- reference.py - what others reach on this GPU, in the same run ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Limits to hold Braid's speed against, measured through the driver and, where
it is installed, cuBLAS. References only: Braid itself uses neither for its work."""
import ctypes
import os
import time

COPIED = 1 << 30                              # bytes
CUBLAS = ("libcublas.so", "libcublas.so.13", "libcublas.so.12", "libcublas.so.11")
CUDA_R_32F, CUDA_R_16BF, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT = 0, 14, 68, -1


class NotMeasured(Exception):
    """Why, in one line."""


def call(function, *arguments):
    code = function(*arguments)
    if code:
        raise NotMeasured(f"{function.__name__} returned {code}")


def load(names):
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError as failure:
            why = failure
    raise NotMeasured(str(why))


class Gpu:
    """A GPU's primary context, which Braid's processes do not share."""

    def __init__(self, number):
        self.driver = load([os.environ.get("BRAID_CUDA_LIBRARY", "libcuda.so.1")])
        self.number, context = ctypes.c_int(), ctypes.c_void_p()
        call(self.driver.cuInit, 0)
        call(self.driver.cuDeviceGet, ctypes.byref(self.number), number)
        call(self.driver.cuDevicePrimaryCtxRetain, ctypes.byref(context), self.number)
        call(self.driver.cuCtxSetCurrent, context)
        self.held, self.stream = [], ctypes.c_void_p()
        call(self.driver.cuStreamCreate, ctypes.byref(self.stream), 1)  # CU_STREAM_NON_BLOCKING

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for address in self.held:
            self.driver.cuMemFree_v2(address)
        self.driver.cuStreamDestroy_v2(self.stream)
        self.driver.cuDevicePrimaryCtxRelease_v2(self.number)

    def allocate(self, size):
        address = ctypes.c_uint64()
        call(self.driver.cuMemAlloc_v2, ctypes.byref(address), ctypes.c_size_t(size))
        self.held.append(address)
        call(self.driver.cuMemsetD8Async, address, ctypes.c_ubyte(0), ctypes.c_size_t(size), self.stream)
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
            a, b, c = (self.allocate(2 * n * n) for _ in range(3))
            one, zero = ctypes.c_float(1), ctypes.c_float(0)

            def multiply():
                call(cublas.cublasGemmEx, handle, 1, 0, n, n, n, ctypes.byref(one), a, CUDA_R_16BF, n, b, CUDA_R_16BF, n,
                     ctypes.byref(zero), c, CUDA_R_16BF, n, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT)

            return 2 * n**3 / self.seconds(multiply, 20)
        finally:
            cublas.cublasDestroy_v2(handle)
