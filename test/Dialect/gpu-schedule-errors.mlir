// RUN: braid-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{gpu_schedule_c1: expected the strategy reference, simt, gemv, mma or wgmma, found 'fast'}}
func.func private @c1() attributes {a = #braid.gpu_schedule<"fast", threads = 32, blocks = 1>}

// -----

// expected-error @+1 {{gpu_schedule_c2: expected a multiple of 32 threads up to 1024, found 48}}
func.func private @c2() attributes {a = #braid.gpu_schedule<"simt", threads = 48, blocks = 1>}

// -----

// expected-error @+1 {{gpu_schedule_c3: expected 1 to 32 blocks, found 0}}
func.func private @c3() attributes {a = #braid.gpu_schedule<"simt", threads = 32, blocks = 0>}

// -----

// expected-error @+1 {{gpu_schedule_c4: expected a tile of 64 or 128 rows, 64 or 128 outputs, and a number of blocks}}
func.func private @c4_rows() attributes {a = #braid.gpu_schedule<"mma", threads = 256, blocks = 2, tile = [32, 64, 0]>}

// -----

// expected-error @+1 {{gpu_schedule_c4: expected no tile but with mma and wgmma}}
func.func private @c4_other() attributes {a = #braid.gpu_schedule<"simt", threads = 256, blocks = 2, tile = [64, 64, 0]>}

// -----

// expected-error @+1 {{gpu_schedule_c4: expected a tile of 64 or 128 rows, 256 outputs, and a number of blocks}}
func.func private @c4_wgmma() attributes {a = #braid.gpu_schedule<"wgmma", threads = 256, blocks = 1>}
