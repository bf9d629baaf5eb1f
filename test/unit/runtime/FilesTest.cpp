//===- FilesTest.cpp - files appear whole, messages are one line ----------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fake.h"
#include "braid-rt/weights.h"
#include "core/File.h"
#include "core/TempFile.h"

#include <atomic>
#include <filesystem>
#include <sys/stat.h>
#include <thread>

using namespace braid::rt;
using namespace braid::rt::test;

namespace {

std::vector<std::string> namesIn(const std::string &folder) {
  std::vector<std::string> names;
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

TEST(TempFile, IsNotSeenBeforeItIsWhole) {
  Folder folder;
  std::string path = folder / "out";
  writeFile(path, "old");
  {
    TempFile file(path);
    file.write("new", 3);
    EXPECT_EQ(readFile(path), "old");
  } // not committed
  EXPECT_EQ(readFile(path), "old");
  EXPECT_EQ(namesIn(folder / "."), std::vector<std::string>{"out"});
  TempFile file(path);
  file.write("...long", 7);
  file.writeAt(0, "new", 3);
  file.commit();
  EXPECT_EQ(readFile(path), "newlong");
  EXPECT_EQ(namesIn(folder / "."), std::vector<std::string>{"out"});
}

TEST(TempFile, ReplacesNothingButRegularFiles) {
  Folder folder;
  std::string pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(errorOf([&] { TempFile file(pipe); }),
            pipe + ": cannot be written: expected a regular file or none, "
                   "found a FIFO");
  std::string nowhere = folder / "no/such";
  EXPECT_EQ(errorOf([&] { TempFile file(nowhere); }),
            nowhere + ": cannot be written: No such file or directory");
}

TEST(TempFile, FollowsTheUmask) {
  Folder folder;
  std::string path = folder / "out";
  mode_t before = umask(027);
  TempFile file(path);
  file.commit();
  umask(before);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(TempFile, ManyMayWriteOnePath) {
  Folder folder;
  std::string path = folder / "out";
  std::vector<std::thread> writers;
  std::atomic<int> failures{0};
  for (char c : {'a', 'b', 'c', 'd'})
    writers.emplace_back([&, c] {
      std::string text(5000, c);
      for (int i = 0; i < 50; ++i)
        try {
          TempFile file(path);
          file.write(text.data(), text.size());
          file.commit();
        } catch (const Error &) {
          ++failures;
        }
    });
  for (std::thread &writer : writers)
    writer.join();
  EXPECT_EQ(failures, 0);
  std::string text = readFile(path);
  EXPECT_EQ(text, std::string(5000, text[0])); // one of them, whole
  EXPECT_EQ(namesIn(folder / "."), std::vector<std::string>{"out"});
}

TEST(TempFile, SaysBeforehandWhetherItCanBeWritten) {
  Folder folder;
  EXPECT_NO_THROW(checkWritable(folder / "out"));
  EXPECT_EQ(namesIn(folder / "."), std::vector<std::string>{});
  std::string nowhere = folder / "no/such";
  EXPECT_EQ(errorOf([&] { checkWritable(nowhere); }),
            nowhere + ": cannot be written: No such file or directory");
}

TEST(InputFile, SaysWhereALinkLeads) {
  Folder folder;
  std::string link = folder / "link";
  std::filesystem::create_symlink("nowhere", link);
  EXPECT_EQ(errorOf([&] { InputFile file(link); }),
            link + ": cannot be opened: it is a link to 'nowhere': No such "
                   "file or directory");
}

TEST(Error, IsOneLineWhateverNamesHold) {
  EXPECT_STREQ(Error("tensor 'a\nerror: b\x1b[31m\x7f'").what(),
               "tensor 'a?error: b?[31m?'");
  std::string longest = Error(std::string(100000, 'x') + "end").what();
  EXPECT_LT(longest.size(), 600u);
  EXPECT_NE(longest.find("...x"), longest.npos);
  EXPECT_EQ(longest.substr(longest.size() - 3), "end");
}

TEST(Weights, AreFoundWhileTheyWaitForTheirName) {
  FakeModel model;
  std::string hash =
      Artifact::open(model.artifact()).manifest.weights.headerSha256;
  std::string staged = stagedWeights(model.artifact(), hash);
  std::filesystem::rename(model.weights(), staged);
  writeFile(model.weights(), "those of an older artefact");
  EXPECT_EQ(model.open()->weightsFrom(), staged);
  std::filesystem::remove(staged);
  EXPECT_NE(errorOf([&] { model.open(); }).find("found 26"), std::string::npos);
}

} // namespace
