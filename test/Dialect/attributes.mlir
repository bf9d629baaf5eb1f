// RUN: braid-opt %s | braid-opt | FileCheck %s

// Storage is the encoding of a weight's type.
// CHECK: func private @storage(tensor<4xf32, #braid.storage<f32>>, tensor<4x32xbf16, #braid.storage<bf16>>, tensor<4xf16, #braid.storage<f16>>, tensor<4x32xbf16, #braid.storage<fp8>>, tensor<2x4x32xbf16, #braid.storage<nvfp4>>)
func.func private @storage(tensor<4xf32, #braid.storage<f32>>, tensor<4x32xbf16, #braid.storage<bf16>>, tensor<4xf16, #braid.storage<f16>>, tensor<4x32xbf16, #braid.storage<fp8>>, tensor<2x4x32xbf16, #braid.storage<nvfp4>>)

// Values of Braid's types have telling names.
// CHECK-LABEL: func @types
// CHECK-SAME: (%step: !braid.context, %batch: !braid.batch)
func.func @types(%0: !braid.context, %1: !braid.batch) {
  return
}

// CHECK: braid.schedule = #braid.schedule<"reference", lanes = 1, rows = 1, dot = "fma">
func.func private @reference() attributes {braid.schedule = #braid.schedule<"reference", lanes = 1, rows = 1, dot = "fma">}
// CHECK: braid.schedule = #braid.schedule<"vector", lanes = 16, rows = 6, dot = "bf16">
func.func private @vector() attributes {braid.schedule = #braid.schedule<"vector", lanes = 16, rows = 6, dot = "bf16">}

// CHECK: braid.schedule = #braid.gpu_schedule<"reference", threads = 1, blocks = 1>
func.func private @gpu_reference() attributes {braid.schedule = #braid.gpu_schedule<"reference", threads = 1, blocks = 1>}
// CHECK: braid.schedule = #braid.gpu_schedule<"simt", threads = 256, blocks = 2>
func.func private @gpu_simt() attributes {braid.schedule = #braid.gpu_schedule<"simt", threads = 256, blocks = 2>}

// A model without state.
// CHECK: module @stateless attributes {braid.state_plan = #braid.state_plan<[]>}
module @stateless attributes {braid.state_plan = #braid.state_plan<[]>} {
}

// Layers, slots, and what one slot holds; a second dynamic size is the context.
// CHECK: module @plan attributes {braid.state_plan = #braid.state_plan<[<"ssm", tensor<6x?x8x16x32xf32>>, <"k", tensor<3x?x2x?x32xbf16>>]>}
module @plan attributes {braid.state_plan = #braid.state_plan<[<"ssm", tensor<6x?x8x16x32xf32>>, <"k", tensor<3x?x2x?x32xbf16>>]>} {
}
