//===- RunTest.cpp - the runner -------------------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fake.h"
#include "braid-rt/checkpoint.h"
#include "braid-rt/cli.h"
#include "braid-rt/json.h"

#include <csignal>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

using namespace braid::rt;
using namespace braid::rt::test;

namespace {

struct Result {
  int code;
  std::string out, err;
};

struct RunTest : testing::Test {
  FakeModel model;

  Result run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"braid-run", model.artifact()});
    return runAll(arguments);
  }
  Result runAll(std::vector<std::string> arguments) {
    std::vector<char *> argv;
    for (std::string &argument : arguments)
      argv.push_back(argument.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    int code = runMain(int(argv.size()), argv.data());
    std::string out = testing::internal::GetCapturedStdout();
    return {code, out, testing::internal::GetCapturedStderr()};
  }
};

TEST_F(RunTest, Text) {
  Result r = run({"--prompt", "abc", "-n", "3"});
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(r.out, "def");
  EXPECT_NE(r.err.find("chat template"), r.err.npos);
  EXPECT_NE(r.err.find("tokens/s"), r.err.npos);
  r = run({"--prompt=abc", "-q"});
  EXPECT_EQ(r.out, "defghij");
  EXPECT_EQ(r.err, "");
  r = run({"--prompt=abc", "-q", "--ignore-eos", "-n", "15", "--stop=mn"});
  EXPECT_EQ(r.out, "defghijkl");
  r = run({"--prompt=l", "-q", "-n3"});
  EXPECT_EQ(r.code, 2);
  r = run({"--prompt=l", "-q", "-n=3"});
  EXPECT_EQ(r.out, "mn\xef\xbf\xbd"); // ended inside a character
}

TEST_F(RunTest, Sessions) {
  std::string saved = model.folder / "saved";
  Result r = run({"--prompt=a", "-q", "-n", "2", "--save-session", saved});
  EXPECT_EQ(r.out, "bc");
  r = run({"--load-session", saved, "-q", "-n", "3"});
  EXPECT_EQ(r.out, "def");
  r = run({"--load-session", saved, "--prompt=f", "-q", "-n", "2"});
  EXPECT_EQ(r.out, "gh");
}

TEST_F(RunTest, Tensors) {
  std::string logits = model.folder / "logits";
  std::string hidden = model.folder / "hidden";
  Result r = run(
      {"--ids=1,2,3", "-q", "-n", "2", "--logits", logits, "--hidden", hidden});
  ASSERT_EQ(r.code, 0) << r.err;
  Checkpoint file = Checkpoint::open(logits);
  using Shape = std::vector<int64_t>;
  EXPECT_EQ(file.find("prompt.logits")->shape, (Shape{3, 16}));
  EXPECT_EQ(file.find("decode.logits")->shape, (Shape{2, 16}));
  auto *tokens =
      reinterpret_cast<const int32_t *>(file.data(*file.find("decode.tokens")));
  EXPECT_EQ(tokens[0], 4);
  EXPECT_EQ(tokens[1], 5);
  // Row 0 of decode is what follows the prompt: its last row.
  EXPECT_EQ(std::memcmp(file.data(*file.find("prompt.logits")) + 2 * 64,
                        file.data(*file.find("decode.logits")), 64),
            0);
  EXPECT_EQ(Checkpoint::open(hidden).find("hidden")->shape, (Shape{3, 3, 4}));
  r = run({"--ids=1", "-q", "-n", "0", "--logits", logits});
  EXPECT_EQ(Checkpoint::open(logits).find("decode.logits")->shape,
            (Shape{0, 16}));
}

TEST_F(RunTest, ManyPrompts) {
  std::string prompts = model.folder / "prompts";
  writeFile(prompts, "{\"prompt\": \"ab\", \"id\": \"x\"}\n\n"
                     "{\"ids\": [6, 7]}\n{\"prompt\": \"a\"}\n");
  std::string one, two;
  for (const char *sequences : {"8", "2", "1"}) {
    Result r = run({"--prompts-file", prompts, "-n", "2", "-q",
                    "--max-sequences", sequences});
    ASSERT_EQ(r.code, 0) << r.err;
    EXPECT_EQ(r.out, "{\"id\":\"x\",\"text\":\"cd\",\"ids\":[2,3],"
                     "\"prompt_tokens\":2,\"finish\":\"length\"}\n"
                     "{\"text\":\"ij\",\"ids\":[8,9],"
                     "\"prompt_tokens\":2,\"finish\":\"eos\"}\n"
                     "{\"text\":\"bc\",\"ids\":[1,2],"
                     "\"prompt_tokens\":1,\"finish\":\"length\"}\n");
  }
  writeFile(prompts, "\n \n");
  EXPECT_EQ(run({"--prompts-file", prompts}).err,
            "error: " + prompts +
                ": expected a JSON object on each line, found no line\n");
  writeFile(prompts, "{\"prompt\": \"a\"}\n{\"ids\": [16]}\n");
  Result r = run({"--prompts-file", prompts});
  EXPECT_EQ(r.code, 1);
  EXPECT_EQ(r.out, "");
  EXPECT_NE(r.err.find("prompts:2: expected ids from 0 to 15, found 16"),
            r.err.npos);
}

TEST_F(RunTest, BadPromptsAreNamedByTheirLine) {
  std::string prompts = model.folder / "prompts";
  for (auto [line, complaint] : {
           std::pair("{\"ids\": []}", "the prompt is empty"),
           std::pair("{\"ids\": [1, 2, 3]}", "the prompt has 3 tokens"),
           std::pair("[1]", "expected an object"),
           std::pair("{\"ids\": [1], \"max_tokens\": 2}", "\"max_tokens\""),
           std::pair("{", "expected JSON"),
       }) {
    writeFile(prompts, "{\"ids\": [1]}\n\n" + std::string(line) + "\n");
    Result r = run({"--prompts-file", prompts, "--context=2", "-q"});
    EXPECT_EQ(r.code, 1);
    EXPECT_EQ(r.out, "");
    EXPECT_EQ(r.err.rfind("error: " + prompts + ":3:", 0), 0u) << r.err;
    EXPECT_NE(r.err.find(complaint), r.err.npos) << r.err;
  }
}

TEST_F(RunTest, OutputsAreCheckedBeforeAnythingRuns) {
  std::string nowhere = model.folder / "no/such";
  for (std::string option : {"--save-session", "--logits", "--hidden"}) {
    Result r = run({"--prompt=a", "-n", "2", option, nowhere});
    EXPECT_EQ(r.code, 1);
    EXPECT_EQ(r.out, "");
    EXPECT_EQ(r.err, "error: " + nowhere +
                         ": cannot be written: No such file or directory\n");
  }
}

TEST_F(RunTest, InterruptedRunsKeepTheirText) {
  std::string out = model.folder / "out";
  pid_t child = fork();
  if (child == 0) {
    (void)!freopen(out.c_str(), "w", stdout);
    std::string arguments[] = {"braid-run", model.artifact(), "--prompt=a",
                               "-q",        "--ignore-eos",   "--threads=1"};
    std::vector<char *> argv;
    for (std::string &argument : arguments)
      argv.push_back(argument.data());
    _exit(runMain(int(argv.size()), argv.data()));
  }
  while (readFile(out).empty())
    usleep(1000);
  kill(child, SIGINT);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  // However few there were.
  std::string text = readFile(out), begin = "bcdefghijklm";
  EXPECT_EQ(text.substr(0, begin.size()), begin.substr(0, text.size()));
  EXPECT_LT(text.size(), 4000u);
}

TEST_F(RunTest, Usage) {
  EXPECT_EQ(run({}).code, 2);
  EXPECT_NE(run({}).err.find("hint: "), std::string::npos);
  EXPECT_EQ(run({"--prompt", "a", "--ids", "1"}).code, 2);
  EXPECT_EQ(run({"--promt", "a"}).code, 2);
  EXPECT_EQ(run({"--prompt"}).code, 2);
  EXPECT_EQ(run({"--prompt=a", "-n", "-1"}).code, 2);
  EXPECT_EQ(run({"--prompt=a", "--temperature", "nan"}).code, 2);
  EXPECT_NE(run({"--prompt=a", "--top-p=0"}).err.find("from 1e-06 to 1,"),
            std::string::npos);
  EXPECT_EQ(run({"--prompt=a", "--device=cuda"}).code, 1);
  EXPECT_EQ(run({"--prompt=a", "--device=tpu"}).code, 2);
  EXPECT_EQ(run({"--ids=99"}).code, 1);
  EXPECT_EQ(runAll({"braid-run", "/no/such", "--prompt=a"}).code, 1);
  for (std::string program : {"braid-run", "braid run"})
    for (auto arguments : {std::vector<std::string>{program},
                           {program, "x"},
                           {program, "x", "--promt"}})
      EXPECT_NE(runAll(arguments).err.find(program + " "), std::string::npos);
  Result help = runAll({"braid-run", "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_EQ(help.out.rfind("usage: braid-run MODEL.braid", 0), 0u);
}

} // namespace
