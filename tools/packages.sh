#===- packages.sh - what building and testing Braid needs ---===#
# Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Sourced by tools/quickstart and tools/check. A package counts as there if its
# probe does (a file, or a command), so tools from elsewhere are used as well.

LLVM=/usr/lib/llvm-22

# package  probe
BUILD_PACKAGES="
clang-22             $LLVM/bin/clang++
lld-22               $LLVM/bin/ld.lld
llvm-22-dev          $LLVM/lib/cmake/llvm/LLVMConfig.cmake
libmlir-22-dev       $LLVM/lib/cmake/mlir/MLIRConfig.cmake
mlir-22-tools        $LLVM/bin/mlir-tblgen
cmake                cmake
ninja-build          ninja
pkg-config           pkg-config
libpcre2-dev         /usr/include/pcre2.h
libutf8proc-dev      /usr/include/utf8proc.h
nlohmann-json3-dev   /usr/include/nlohmann/json.hpp"

TEST_PACKAGES="
llvm-22-tools        $LLVM/bin/FileCheck
libclang-rt-22-dev   $LLVM/lib/clang/22/lib/linux/libclang_rt.fuzzer-x86_64.a
libgtest-dev         /usr/include/gtest/gtest.h
python3-numpy        /usr/lib/python3/dist-packages/numpy"

# Only where there is no ptxas: what fetches one.
PTXAS_PACKAGES="
python3-pip          /usr/lib/python3/dist-packages/pip"

# Prints the path of ptxas, of a CUDA toolkit or of build folder $1.
find_ptxas() {
  local path
  for path in "${CUDA_HOME:-}/bin/ptxas" "${CUDA_PATH:-}/bin/ptxas" \
    "$(command -v ptxas)" "$1/ptxas/nvidia/cu13/bin/ptxas"; do
    [ -x "$path" ] && echo "$path" && return
  done
  return 1
}

# Puts the pinned wheel with ptxas into build folder $1, after asking unless $2
# is `yes`. A test-only tool: Braid itself takes the ptxas that is there, or none.
install_ptxas() {
  local log
  install_packages "$PTXAS_PACKAGES" "$2" || return
  log=$(mktemp)
  /usr/bin/python3 -m pip install --quiet --disable-pip-version-check \
    --no-deps --only-binary=:all: --require-hashes --target "$1/ptxas" \
    --requirement "$(dirname "${BASH_SOURCE[0]}")/ptxas-requirements.txt" \
    >"$log" 2>&1 && rm "$log" && return
  tail -3 "$log"
  echo "error: pip could not install the wheel of ptxas (see $log)"
  return 1
}

# Prints the packages of list $1 whose probe finds nothing.
missing_packages() {
  local package probe
  while read -r package probe; do
    case $probe in
    '') ;;
    /*) [ -e "$probe" ] || echo "$package" ;;
    *) command -v "$probe" >/dev/null || echo "$package" ;;
    esac
  done <<<"$1"
}

# Runs a command as root: directly, or through sudo.
as_root() {
  [ "$(id -u)" = 0 ] && { "$@"; return; }
  command -v sudo >/dev/null || { echo "error: only root or sudo can install"; return 1; }
  sudo "$@"
}

is_debian_12() {
  (. /etc/os-release && [ "$ID" = debian ] && [ "$VERSION_ID" = 12 ]) 2>/dev/null
}

# What to do where Braid does not know the system's packages.
explain_other_system() {
  echo "error: not found: $*"
  echo "hint: these are Debian 12's names, the only system Braid is tested on." \
    "Install them under your system's names and run this again;" \
    "LLVM 22 for other Debians and Ubuntu: https://apt.llvm.org"
}

# Asks whether to go on; no terminal to ask on means no.
confirm() {
  [ "$1" = yes ] || [ "$(id -u)" = 0 ] && return 0
  [ -t 0 ] || { echo "error: nobody to ask; run again with --yes"; return 1; }
  local answer
  read -r -p "install them? [Y/n] " answer
  case $answer in '' | [yY]*) return 0 ;; *) return 1 ;; esac
}

# Lists packages $@ with their sizes and what they pull in.
show_packages() {
  apt-cache show --no-all-versions "$@" | awk '
    /^Package:/ { name = $2 } /^Installed-Size:/ { disk = $2 }
    /^Size:/ { printf "  %-20s %7.1f MB to download, %7.1f MB on disk\n",
               name, $2 / 1e6, disk / 1e3 }'
  # Asked and told no, apt says the total and fails.
  { LC_ALL=C apt-get install --assume-no --no-install-recommends "$@" || true; } 2>/dev/null |
    sed -n 's/^Need to get/  with what they need:/p; s/^After this op[a-z]*,/ /p'
}

# Makes apt know packages $@.
find_packages() {
  apt-cache show --no-all-versions "$@" >/dev/null 2>&1 && return
  echo "  reading the package lists"
  as_root apt-get update -qq || return
  apt-cache show --no-all-versions "$@" >/dev/null 2>&1 && return
  echo "error: apt does not know all of: $*"
  echo "hint: clang-22 and its kin come from Debian's bookworm-security;" \
    "is it among apt's sources?"
  return 1
}

apt_install() {
  local log
  log=$(mktemp)
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y \
    -o DPkg::Lock::Timeout=300 \
    --no-install-recommends "$@" >"$log" 2>&1 && rm "$log" && return
  tail -5 "$log"
  echo "error: apt-get could not install: $* (see $log)"
  return 1
}

# Installs what list $1 misses, after asking unless $2 is `yes`.
install_packages() {
  local -a missing
  mapfile -t missing < <(missing_packages "$1")
  [ ${#missing[@]} = 0 ] && { echo "  nothing is missing"; return; }
  is_debian_12 || { explain_other_system "${missing[@]}"; return 1; }
  find_packages "${missing[@]}" || return
  show_packages "${missing[@]}"
  confirm "$2" || return
  apt_install "${missing[@]}"
}
