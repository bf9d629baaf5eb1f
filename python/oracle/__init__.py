#===- __init__.py - a NumPy reference of the models that Braid compiles ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The oracle: every op and the whole model in NumPy, slow and obvious.

It decides numbers. When compiled code and the oracle disagree, the reader can
hold both against the equation in the docstring. One file per op family:

    norm        RMS norm, gated RMS norm per group
    conv        causal depthwise convolution
    scan        time step, selective state space scan (two forms)
    attention   causal attention over a key/value cache
    routing     choice of experts and their weights
    experts     squared-ReLU networks, routed and dense
    storage     BF16, FP8 and NVFP4 numbers to FP32
    precision   the two numeric profiles and rounding to BF16
    config      config.json to the numbers that the model needs
    checkpoint  safetensors files, weights by name
    model       layers, prefill, decode
    compare     distances between results

Letters used for shapes throughout: T tokens, H hidden, V vocabulary, Mamba
heads M of width P in G groups with state N, conv taps K, conv channels
C = M P + 2 G N, query heads Q and key/value heads R of width D, E experts of
width I, X what experts read and write (the latent width, or H).
"""
