// RUN: braid-opt %s -verify-diagnostics -split-input-file

// expected-error @+1 {{storage_c1: a weight stored as bf16 is a tensor of 'bf16', found 'f32'}}
func.func private @storage_c1(tensor<4x32xf32, #braid.storage<bf16>>)

// -----

// expected-error @+1 {{storage_c1: a weight stored as nvfp4 is a tensor of 'bf16', found 'f16'}}
func.func private @storage_c1_compressed(tensor<4x32xf16, #braid.storage<nvfp4>>)

// -----

// expected-error @+1 {{storage_c2: fp8 stores matrices and stacks of them, found rank 1}}
func.func private @storage_c2_rank(tensor<32xbf16, #braid.storage<fp8>>)

// -----

// expected-error @+1 {{storage_c2: nvfp4 stores blocks of 16 columns, found 24 columns}}
func.func private @storage_c2_blocks(tensor<4x24xbf16, #braid.storage<nvfp4>>)

// -----

// expected-error @+1 {{pool_c1: a pool needs a name}}
module attributes {a = #braid.pool<"", tensor<6x?x8xf32>>} {}

// -----

// expected-error @+1 {{pool_c2: pool 'ssm': expected layers x ? (slots) x ..., found 'tensor<6x4x8xf32>'}}
module attributes {a = #braid.pool<"ssm", tensor<6x4x8xf32>>} {}

// -----

// expected-error @+1 {{pool_c3: pool 'k': expected no dynamic size beside slots and context, found 'tensor<6x?x?x?xf32>'}}
module attributes {a = #braid.pool<"k", tensor<6x?x?x?xf32>>} {}

// -----

// expected-error @+1 {{plan_c1: two pools are called 'k'}}
module attributes {a = #braid.state_plan<[<"k", tensor<6x?x8xf32>>, <"k", tensor<6x?x8xf32>>]>} {}

// -----

// expected-error @+1 {{schedule_c1: expected the strategy reference or vector, found 'fast'}}
func.func private @schedule_c1() attributes {a = #braid.schedule<"fast", lanes = 8, rows = 2, dot = "fma">}

// -----

// expected-error @+1 {{schedule_c2: expected dot fma or bf16, found 'amx'}}
func.func private @schedule_c2() attributes {a = #braid.schedule<"vector", lanes = 8, rows = 2, dot = "amx">}

// -----

// expected-error @+1 {{schedule_c3: expected lanes a power of two from 1 to 32 and rows from 1 to 64, found 12 and 2}}
func.func private @schedule_c3_lanes() attributes {a = #braid.schedule<"vector", lanes = 12, rows = 2, dot = "fma">}

// -----

// A panel has 32 outputs: a wider vector would hold two.
// expected-error @+1 {{schedule_c3: expected lanes a power of two from 1 to 32 and rows from 1 to 64, found 64 and 2}}
func.func private @schedule_c3_panel() attributes {a = #braid.schedule<"vector", lanes = 64, rows = 2, dot = "fma">}

// -----

// expected-error @+1 {{schedule_c3: expected lanes a power of two from 1 to 32 and rows from 1 to 64, found 8 and 0}}
func.func private @schedule_c3_rows() attributes {a = #braid.schedule<"vector", lanes = 8, rows = 0, dot = "fma">}

// -----

// expected-error @+1 {{schedule_c4: reference has one lane, one row and fma}}
func.func private @schedule_c4() attributes {a = #braid.schedule<"reference", lanes = 8, rows = 1, dot = "fma">}

// -----

// expected-error @+1 {{gpu_schedule_c1: expected the strategy reference, simt, gemv, mma or wgmma, found 'fast'}}
func.func private @gpu_schedule_c1() attributes {a = #braid.gpu_schedule<"fast", threads = 32, blocks = 1>}

// -----

// expected-error @+1 {{gpu_schedule_c2: expected a multiple of 32 threads up to 1024, found 48}}
func.func private @gpu_schedule_c2() attributes {a = #braid.gpu_schedule<"simt", threads = 48, blocks = 1>}

// -----

// expected-error @+1 {{gpu_schedule_c2: expected one thread, found 32}}
func.func private @gpu_schedule_c2_reference() attributes {a = #braid.gpu_schedule<"reference", threads = 32, blocks = 1>}

// -----

// expected-error @+1 {{gpu_schedule_c3: expected 1 to 32 blocks, found 64}}
func.func private @gpu_schedule_c3() attributes {a = #braid.gpu_schedule<"simt", threads = 32, blocks = 64>}

// -----

// expected-error @+1 {{schedule_c5: expected 4, 8 or 16 lanes for dot bf16, found 32}}
func.func private @schedule_c5_many() attributes {a = #braid.schedule<"vector", lanes = 32, rows = 2, dot = "bf16">}

// -----

// expected-error @+1 {{schedule_c5: expected 4, 8 or 16 lanes for dot bf16, found 1}}
func.func private @schedule_c5_few() attributes {a = #braid.schedule<"vector", lanes = 1, rows = 2, dot = "bf16">}
