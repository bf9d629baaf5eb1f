// RUN: braid-opt %s --outline-launches -verify-diagnostics -split-input-file

// The artefact's manifest states the threads of a block and its shared memory.
func.func private @threads_sm_90a(%step: !braid.context, %n: index) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a"} {
  %c1 = arith.constant 1 : index
  // expected-error @+1 {{expected the threads of a block and its shared memory as constants}}
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %n, %sy = %c1, %sz = %c1) {
    gpu.terminator
  }
  return
}

// -----

func.func private @memory_sm_90a(%step: !braid.context, %bytes: i32) attributes {braid.kernel = 0 : i64, braid.target = "sm_90a"} {
  %c1 = arith.constant 1 : index
  // expected-error @+1 {{expected the threads of a block and its shared memory as constants}}
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c1, %sy = %c1, %sz = %c1) dynamic_shared_memory_size %bytes {
    gpu.terminator
  }
  return
}
