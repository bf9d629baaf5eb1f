# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The three helpers that every compiler library and tool of this tree uses.

# All of MLIR and LLVM comes from the two shared libraries; mixing in a static
# component would register its options twice (docs/Rationale.md).
function(_braid_mlir_target target)
  target_include_directories(${target} SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS}
                                                     ${MLIR_INCLUDE_DIRS})
  target_include_directories(
    ${target} PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include
                     ${PROJECT_SOURCE_DIR}/runtime/include)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wno-unused-parameter)
  if(NOT target STREQUAL "BraidPrecompiled")
    target_precompile_headers(${target} REUSE_FROM BraidPrecompiled)
  endif()
endfunction()

# braid_add_library(Name file.cpp ... DEPENDS generated-targets LINK libraries)
function(braid_add_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  _braid_mlir_target(${name})
  add_dependencies(${name} braid-tablegen ${ARG_DEPENDS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
endfunction()

# braid_add_tool(name file.cpp ... LINK libraries)
function(braid_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  _braid_mlir_target(${name})
  # The precompiled header was made with -fPIC, not the -fPIE of executables.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIC)
  add_dependencies(${name} braid-tablegen)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} MLIR LLVM)
endfunction()

# braid_tablegen(Dialect/BraidOps.td Dialect/BraidOps.h.inc -gen-op-decls ...)
function(braid_tablegen source output)
  set(LLVM_TARGET_DEFINITIONS ${source})
  mlir_tablegen(${output} ${ARGN})
  set(TABLEGEN_OUTPUT ${TABLEGEN_OUTPUT} PARENT_SCOPE)
endfunction()
