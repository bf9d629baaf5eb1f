//===- CudaErrorsTest.cpp - what is said when a GPU cannot be used --------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FakeGpu.h"
#include "cuda/CudaModule.h"
#include "cuda/GpuTarget.h"

using namespace braid::rt;
using namespace braid::rt::cuda;
using namespace braid::rt::test;

namespace {

struct CudaErrors : testing::Test {
  FakeGpu gpu;

  /// Message and hint of opening an engine.
  std::pair<std::string, std::string> refusal(const std::string &settings,
                                              EngineOptions options) {
    gpu.set(settings);
    try {
      gpu.model.open(options);
    } catch (const Error &error) {
      EXPECT_EQ(FakeGpu::leftovers(), "");
      return {error.what(), error.hint};
    }
    ADD_FAILURE() << "expected an Error: " << settings;
    return {};
  }
  std::pair<std::string, std::string> refusal(const std::string &settings) {
    return refusal(settings, gpu.options());
  }
};

TEST_F(CudaErrors, NoDriver) {
  setenv("BRAID_CUDA_LIBRARY", "libnone.so.1", 1);
  auto [what, hint] = refusal("");
  EXPECT_TRUE(what.starts_with("there is no NVIDIA driver: libnone.so.1"));
  EXPECT_NE(hint.find("--device=cpu"), hint.npos);
}

TEST_F(CudaErrors, DriverWithoutAFunction) {
  setenv("BRAID_CUDA_LIBRARY", "libm.so.6", 1);
  EXPECT_EQ(refusal("").first, "the NVIDIA driver is too old: libm.so.6 has no "
                               "function cuInit");
}

TEST_F(CudaErrors, DriverTooOld) {
  auto [what, hint] = refusal("driver=12020");
  EXPECT_EQ(what, "the NVIDIA driver is too old: it is for CUDA 12.2, code for "
                  "sm_90a (PTX 8.3) needs 12.3");
  EXPECT_EQ(hint, "install a driver for CUDA 12.3 or later, or run with "
                  "--device=cpu");
}

TEST_F(CudaErrors, NoGpu) {
  EXPECT_EQ(refusal("gpus=0").first, "there is no NVIDIA GPU");
  EngineOptions options = gpu.options();
  options.device = "cuda:2";
  EXPECT_EQ(refusal("gpus=2", options).first, "there is no GPU 2, only 2 GPUs");
  options.device = "cuda:x";
  EXPECT_EQ(refusal("", options).first,
            "--device: expected cuda or cuda:NUMBER, found 'cuda:x'");
}

TEST_F(CudaErrors, SecondGpu) {
  gpu.set("gpus=2");
  EngineOptions options = gpu.options();
  options.device = "cuda:1";
  EXPECT_TRUE(gpu.model.open(options)->device().starts_with("GPU 1, "));
}

TEST_F(CudaErrors, DriverDoesNotStart) {
  auto [what, hint] = refusal("fail=cuInit:1:803");
  EXPECT_TRUE(what.starts_with("the NVIDIA driver does not start: "
                               "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"));
  EXPECT_NE(hint.find("reboot"), hint.npos);
}

TEST_F(CudaErrors, NoCodeForTheGpu) {
  auto [what, hint] = refusal("cc=8.9");
  EXPECT_NE(what.find("has no code for GPU 0, Fake GPU (compute capability "
                      "8.9); it has: sm_90a"),
            what.npos);
  EXPECT_EQ(hint, "braid compile checkpoint --precision=f32 "
                  "--target=cpu,sm_90a,sm_89 --with-sim -o " +
                      gpu.model.artifact());
  EXPECT_NE(refusal("cc=7.5").second.find("8.0 and later"), std::string::npos);
}

TEST_F(CudaErrors, MachineCodeThatIsNotThere) {
  gpu.model.edit("[16, 8]", "[17, 8]");
  EXPECT_TRUE(refusal("").first.ends_with("section .braid.gpu.sm_90a.cubin has "
                                          "24 bytes, kernel hidden ends at 25"));
  gpu.model.edit("[17, 8]", "[16   ]");
  EXPECT_NE(refusal("").first.find("kernels[2].cubin_at: expected an offset and a "
                                   "length"),
            std::string::npos);
  gpu.model.edit("[16   ]", "[16, 0]");
  EXPECT_NE(refusal("").first.find("cubin_at[1]: expected an integer from 1"),
            std::string::npos);
}

TEST_F(CudaErrors, PtxOnly) {
  gpu.model.edit("\"cubin\": true", "\"cubin\":false");
  EXPECT_NE(refusal("").first.find("has no machine code for"),
            std::string::npos);
  EngineOptions options = gpu.options();
  options.allowJit = true;
  gpu.set("");
  auto engine = gpu.model.open(options);
  EXPECT_EQ(engine->notes(), std::vector<std::string>{
                                 "device: the driver has compiled PTX for "
                                 "sm_90a"});
  everything(*engine, gpu.model.folder);
}

/// Whatever order --target named them in.
TEST_F(CudaErrors, OfSeveralPtxTheNearestIsCompiled) {
  gpu.set("");
  CudaDriver driver;
  GpuInfo info = describeGpu(driver, 0); // Compute capability 9.0.
  Artifact artifact = Artifact::open(gpu.model.artifact());
  GpuCode code = artifact.manifest.gpus[0];
  code.cubin = false;
  std::vector<std::string> names = {"sm_80", "sm_86", "sm_89", "sm_90a",
                                    "sm_120a"};
  for (bool more = true; more;
       more = std::next_permutation(names.begin(), names.end())) {
    artifact.manifest.gpus.clear();
    for (const std::string &name : names) {
      code.target = name, code.exact = name.ends_with("a");
      artifact.manifest.gpus.push_back(code);
    }
    ASSERT_EQ(chooseCode(artifact, driver, info, true).code->target, "sm_90a");
  }
}

TEST_F(CudaErrors, CodeIsRefused) {
  auto [what, hint] = refusal("fail=cuModuleLoadDataEx:1:200");
  EXPECT_NE(what.find("the driver (CUDA 13.0) does not load its code of "
                      "kernel take for sm_90a: CUDA_ERROR_INVALID_IMAGE"),
            what.npos);
  EXPECT_NE(hint.find("by ptxas 13.0, perhaps newer than the driver"),
            hint.npos);
}

/// The remedy shows which kernel it was; with it there is none to give.
TEST_F(CudaErrors, RemediesOfAFailedStep) {
  auto failure = [&](const char *settings) {
    gpu.set(settings);
    auto engine = gpu.open();
    Session session(*engine);
    int32_t id = 1;
    Feed feed{session.create(), {&id, 1}};
    try {
      session.step({&feed, 1});
    } catch (const Error &error) {
      return std::pair(std::string(error.what()), error.hint);
    }
    return std::pair(std::string(), std::string());
  };
  auto [what, hint] = failure("fail=cuGraphInstantiate:1:1");
  EXPECT_NE(what.find("GPU 0, Fake GPU (compute capability 9.0): a step of 1 row "
                      "is recorded, but not made ready: "),
            what.npos)
      << what;
  EXPECT_TRUE(hint.starts_with("CUDA_LAUNCH_BLOCKING=1")) << hint;
  hint = failure("fail=cuLaunchKernel:1:700").second;
  EXPECT_TRUE(hint.starts_with("with CUDA_LAUNCH_BLOCKING=1")) << hint;
  setenv("CUDA_LAUNCH_BLOCKING", "1", 1);
  EXPECT_EQ(failure("fail=cuLaunchKernel:1:700").second, "");
  unsetenv("CUDA_LAUNCH_BLOCKING");
}

TEST_F(CudaErrors, OutOfMemoryWithoutReservedAddresses) {
  EXPECT_NE(refusal("reserve=0,memory=100000").first.find(
                "weights, activations, state and logits: "),
            std::string::npos);
}

TEST_F(CudaErrors, TooMuchSharedMemory) {
  gpu.model.edit("\"shared_bytes\": 65536", "\"shared_bytes\":262144");
  EXPECT_EQ(refusal("").first,
            "kernel logits needs 262144 bytes of shared memory; GPU 0, Fake GPU "
            "(compute capability 9.0) has 232448");
}

TEST_F(CudaErrors, OutOfMemory) {
  auto [what, hint] = refusal("memory=9000");
  EXPECT_EQ(what, "out of memory on GPU 0, Fake GPU (compute capability 9.0): "
                  "weights and activations: 7.0 KiB needed, 4.8 KiB of 8.8 KiB "
                  "are free; planned are weights 4.4 KiB, activations 2.6 KiB, "
                  "state up to 112.7 KiB (4 x 600 tokens), logits up to 2.5 KiB: "
                  "together 122.2 KiB");
  EXPECT_NE(hint.find("--context"), hint.npos);
}

/// A smaller context would be no remedy.
TEST_F(CudaErrors, WeightsThatNoContextMakesFit) {
  auto [what, hint] = refusal("memory=4400");
  EXPECT_EQ(what, "out of memory on GPU 0, Fake GPU (compute capability 9.0): "
                  "weights take 4.4 KiB of its 4.3 KiB");
  EXPECT_NE(hint.find("NVFP4"), hint.npos);
  EXPECT_EQ(hint.find("--context"), hint.npos);
}

/// State that does not fit is refused before the step; what there is goes on.
TEST_F(CudaErrors, OutOfMemoryInAStep) {
  gpu.set("memory=4000000");
  auto engine = gpu.open();
  Session session(*engine);
  int32_t id = 1;
  int sequence = session.create();
  Feed feed{sequence, {&id, 1}};
  std::string what = errorOf([&] { session.step({&feed, 1}); });
  EXPECT_NE(what.find("state pool k: 2.0 MiB needed"), what.npos) << what;
  EXPECT_NE(what.find("are free; planned are weights "), what.npos) << what;
  EXPECT_EQ(session.position(sequence), 0);
}

TEST_F(CudaErrors, LaunchNamesKernelAndLayer) {
  gpu.set("fail=cuLaunchKernel:1:1");
  auto engine = gpu.open();
  Session session(*engine);
  std::vector<int32_t> ids = {1, 2};
  Feed feed{session.create(), ids};
  EXPECT_EQ(errorOf([&] { session.step({&feed, 1}); }),
            "GPU 0, Fake GPU (compute capability 9.0): kernel take (layer 1), "
            "grid 1 1 1: CUDA_ERROR_INVALID_VALUE (as the fake driver was "
            "told)");
}

TEST_F(CudaErrors, StepFailsLater) {
  gpu.set("fail=cuStreamSynchronize:2:700");
  auto engine = gpu.open();
  Session session(*engine);
  std::vector<int32_t> ids = {1, 2};
  Feed feed{session.create(), ids};
  EXPECT_EQ(errorOf([&] { session.step({&feed, 1}); }),
            "GPU 0, Fake GPU (compute capability 9.0): a step of 2 rows of 1 "
            "sequence has failed: CUDA_ERROR_ILLEGAL_ADDRESS (as the fake "
            "driver was told)");
}

/// A kernel that touches what is not its own: id 15 of the fake model.
TEST_F(CudaErrors, KernelFails) {
  int32_t trouble = 15;
  auto failure = [&](const char *device) {
    EngineOptions options = gpu.options();
    options.device = device;
    auto engine = gpu.model.open(options);
    Session session(*engine);
    Feed feed{session.create(), {&trouble, 1}};
    return errorOf([&] { session.step({&feed, 1}); });
  };
  EXPECT_TRUE(failure("sim").starts_with(
      "simulated kernel take: trouble: block (0, 0, 0), thread 0: writes 4 "
      "bytes outside of the buffers that the kernel was given: "));
  EXPECT_TRUE(failure("sim").ends_with(" (layer 1)"));
  EXPECT_NE(failure("cuda").find("a step of 1 row of 1 sequence has failed"),
            std::string::npos);
  setenv("CUDA_LAUNCH_BLOCKING", "1", 1);
  std::string what = failure("cuda");
  unsetenv("CUDA_LAUNCH_BLOCKING");
  EXPECT_NE(what.find("kernel take (layer 1), grid 1 1 1: "
                      "CUDA_ERROR_ILLEGAL_ADDRESS"),
            what.npos)
      << what;
  EXPECT_EQ(FakeGpu::leftovers(), "");
}

TEST(GpuTarget, Fits) {
  auto fit = [](const char *target, bool exact, bool cubin, int major,
                int minor) {
    GpuCode code;
    code.target = target, code.exact = exact, code.cubin = cubin;
    return fitOf(code, major, minor);
  };
  EXPECT_EQ(fit("sm_80", false, true, 8, 0), Fit::Run);
  EXPECT_EQ(fit("sm_80", false, true, 8, 9), Fit::Run);
  EXPECT_EQ(fit("sm_89", false, true, 8, 6), Fit::None);
  EXPECT_EQ(fit("sm_80", false, true, 9, 0), Fit::Compile);
  EXPECT_EQ(fit("sm_80", false, false, 8, 0), Fit::Compile);
  EXPECT_EQ(fit("sm_90a", true, true, 9, 0), Fit::Run);
  EXPECT_EQ(fit("sm_90a", true, false, 9, 0), Fit::Compile);
  EXPECT_EQ(fit("sm_90a", true, true, 10, 0), Fit::None);
  EXPECT_EQ(fit("sm_100a", true, true, 10, 0), Fit::Run);
  EXPECT_EQ(fit("sm_100a", true, true, 10, 3), Fit::None);
  EXPECT_EQ(fit("sm_120a", true, true, 12, 0), Fit::Run);
  EXPECT_EQ(fit("gfx942", false, true, 9, 0), Fit::None);
}

TEST(GpuTarget, Names) {
  EXPECT_EQ(targetFor(8, 0), "sm_80");
  EXPECT_EQ(targetFor(8, 7), "sm_86");
  EXPECT_EQ(targetFor(8, 9), "sm_89");
  EXPECT_EQ(targetFor(9, 0), "sm_90a");
  EXPECT_EQ(targetFor(10, 0), "sm_100a");
  EXPECT_EQ(targetFor(12, 0), "sm_120a");
  EXPECT_EQ(targetFor(10, 3), "");
  EXPECT_EQ(targetFor(7, 5), "");
  EXPECT_EQ(cudaVersionFor("8.7"), 12080);
  EXPECT_EQ(cudaVersionFor("99.0"), 0);
  EXPECT_EQ(cudaVersionText(12030), "12.3");
}

} // namespace
