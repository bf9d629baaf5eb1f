// RUN: braid-opt %s -verify-diagnostics -split-input-file

func.func @arena_c1(%step: !braid.context) {
  // expected-error @+1 {{arena_c1: expected 1 sizes for 'memref<?x64xf32>', found 0}}
  %0 = braid.arena_view %step at 0 + 256 * rows : memref<?x64xf32>
  return
}

// -----

func.func @arena_c2(%step: !braid.context) {
  // expected-error @+1 {{arena_c2: expected offsets that are not negative}}
  %0 = braid.arena_view %step at -64 + 0 * rows : memref<64xf32>
  return
}

// -----

func.func @view_c1_dynamic(%step: !braid.context, %layer: index) {
  // expected-error @+1 {{view_c1: expected a static type and a base that is not negative, found 'memref<?xf32>' at 0}}
  %0 = braid.weight_view %step[0 + %layer] : memref<?xf32>
  return
}

// -----

func.func @view_c1_negative(%step: !braid.context, %layer: index) {
  // expected-error @+1 {{view_c1: expected a static type and a base that is not negative, found 'memref<4xf32>' at -1}}
  %0 = braid.weight_view %step[-1 + %layer] : memref<4xf32>
  return
}

// -----

func.func @map_c1_stride(%x: memref<?x12xbf16>) {
  // expected-error @+1 {{map_c1: expected rows of bf16 at known multiples of 16 bytes, found 'memref<?x12xbf16>'}}
  %0 = braid.tensor_map %x rows 64 : memref<?x12xbf16>
  return
}

// -----

func.func @map_c1_offset(%x: memref<?x8xbf16, strided<[16, 1], offset: 4>>) {
  // expected-error @+1 {{map_c1: expected rows of bf16}}
  %0 = braid.tensor_map %x rows 64 : memref<?x8xbf16, strided<[16, 1], offset: 4>>
  return
}

// -----

func.func @map_c2(%x: memref<?x8xbf16>) {
  // expected-error @+1 {{map_c2: expected 1 to 256 rows, found 257}}
  %0 = braid.tensor_map %x rows 257 : memref<?x8xbf16>
  return
}

// -----

func.func @parallel_c1_arguments(%step: !braid.context, %n: index) {
  // expected-error @+1 {{parallel_c1: expected a region of ('index', 'index', 'memref<?xi8>') that yields nothing}}
  braid.parallel %step items(%n) grain 1 scratch 0 {
  ^bb0(%lo: index, %hi: index):
    braid.yield
  }
  return
}

// -----

func.func @parallel_c1_yield(%step: !braid.context, %n: index) {
  // expected-error @+1 {{parallel_c1: expected a region of ('index', 'index', 'memref<?xi8>') that yields nothing}}
  braid.parallel %step items(%n) grain 1 scratch 0 {
  ^bb0(%lo: index, %hi: index, %scratch: memref<?xi8>):
    braid.yield %lo : index
  }
  return
}

// -----

func.func @parallel_c2(%step: !braid.context, %n: index) {
  // expected-error @+1 {{parallel_c2: expected a positive grain, and a scratch that is not negative}}
  braid.parallel %step items(%n) grain 0 scratch 0 {
  ^bb0(%lo: index, %hi: index, %scratch: memref<?xi8>):
    braid.yield
  }
  return
}

// -----

func.func @yield_outside(%x: f32) {
  // expected-error @+1 {{expects parent op to be one of 'braid.packed_contract, braid.parallel'}}
  braid.yield %x : f32
}

// -----

func.func @step_c1(%step: !braid.context) {
  // expected-error @+1 {{step_c1: unknown field 'idz'}}
  %0 = braid.step_view %step "idz" : memref<?xi32>
  return
}

// -----

func.func @step_c2_missing(%step: !braid.context) {
  // expected-error @+1 {{step_c2: expected a number for a pool, and for nothing else}}
  %0 = braid.step_view %step "pool" : memref<6x?x8xf32>
  return
}

// -----

func.func @step_c2_surplus(%step: !braid.context) {
  // expected-error @+1 {{step_c2: expected a number for a pool, and for nothing else}}
  %0 = braid.step_view %step "ids" 1 : memref<?xi32>
  return
}

// -----

func.func @dispatch_c1_missing(%step: !braid.context, %n: index) {
  // expected-error @+1 {{dispatch_c1: expected @body to be a function of ('index', 'index', 'memref<?xi8>')}}
  braid.dispatch @body step(%step) items(%n) grain 1 kernel 0
  return
}

// -----

func.func @dispatch_c1_captures(%step: !braid.context, %n: index, %x: memref<?xf32>) {
  // expected-error @+1 {{dispatch_c1: expected @body to be a function of ('memref<?xf32>', 'index', 'index', 'memref<?xi8>')}}
  braid.dispatch @body step(%step) items(%n) captures(%x : memref<?xf32>) grain 1 kernel 0
  return
}
func.func private @body(index, index, memref<?xi8>)
