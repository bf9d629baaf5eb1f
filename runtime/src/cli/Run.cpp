//===- Run.cpp - the runner -----------------------------------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Capture.h"
#include "Options.h"
#include "Summary.h"
#include "braid-rt/cli.h"
#include "braid-rt/json.h"
#include "core/File.h"
#include "core/TempFile.h"
#include "core/TextStream.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace braid::rt {
namespace {

std::atomic<bool> interruptRequested{false};

/// While it lives the first SIGINT ends generation; the second kills.
class InterruptGuard {
public:
  InterruptGuard() {
    interruptRequested = false;
    struct sigaction action{};
    action.sa_handler = [](int) { interruptRequested = true; };
    action.sa_flags = int(SA_RESETHAND);
    sigaction(SIGINT, &action, &before);
  }
  ~InterruptGuard() { sigaction(SIGINT, &before, nullptr); }

private:
  struct sigaction before{};
};

void writeOut(const std::string &text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
      std::fflush(stdout) != 0)
    throw Error(std::string("stdout: cannot be written: ") +
                std::strerror(errno));
}

/// Whether text and everything else go to one file or pipe.
bool outputsAreOne() {
  struct stat out, err;
  return fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 &&
         out.st_dev == err.st_dev && out.st_ino == err.st_ino;
}

/// A line of --prompts-file.
struct Line {
  std::string where; ///< File and number.
  Json json;
};

/// One prompt as the user gave it.
struct Request {
  Json id; ///< Null: none was given.
  std::vector<int32_t> ids;
};

/// One prompt's answer as it grows.
struct Answer {
  TextStream stream;
  std::vector<int32_t> ids;
  std::string text;
};

class Runner : GenerateListener {
public:
  explicit Runner(const RunOptions &options)
      : options(options), engine(Engine::open(options.artifact, tuned())),
        session(*engine), capture(engine->manifest().vocabulary) {
    generation = options.generate;
    generation.interrupted = &interruptRequested;
    generation.promptLogits = !options.logitsOut.empty();
    generation.tokenLogits = generation.promptLogits;
    generation.feedLast = !options.saveSession.empty();
    for (const std::string &note : engine->notes())
      say(note + "\n");
    say(describe(*engine, options.engine.context != 0));
  }

  int run() {
    InterruptGuard guard;
    options.promptsFile.empty() ? runOne() : runMany();
    if (!options.logitsOut.empty())
      capture.write(options.logitsOut);
    say(describe(*engine, total));
    return interruptRequested ? 130 : 0;
  }

private:
  EngineOptions tuned() {
    EngineOptions tuned = options.engine;
    if (!options.promptsFile.empty()) {
      size_t prompts = readLines().size();
      if (!options.maxSequencesGiven)
        tuned.maxSequences = std::clamp<int64_t>(int64_t(prompts), 1,
                                                 EngineOptions::kMostSequences);
    }
    if (!options.hiddenOut.empty())
      tuned.maxRows = 0;
    if (!options.quiet) {
      tuned.progress = progressOnStderr(options.artifact + ": preparing ",
                                        " in memory, at every start");
      tuned.upload = progressOnStderr("copying ", " of weights to the GPU");
    }
    return tuned;
  }

  void say(const std::string &text) const {
    if (!options.quiet)
      std::fputs(text.c_str(), stderr);
  }

  // One prompt: text streams out.

  void runOne() {
    Prompt prompt;
    prompt.sequence = options.loadSession.empty()
                          ? session.create()
                          : session.restore(options.loadSession);
    if (options.ids)
      prompt.ids = *options.ids;
    else if (options.prompt)
      prompt.ids = encodePrompt(*engine, *options.prompt, options.parseSpecial);
    std::vector<float> hidden = roomForHidden(prompt);
    generation.hidden = hidden.empty() ? nullptr : hidden.data();
    streaming = true;
    start("");
    total = generateText(prompt);
    finishText(answers[0]);
    if (total.finish[0] == Finish::Context)
      say("the context of " + std::to_string(engine->context()) +
          " tokens is full\n");
    if (!options.saveSession.empty())
      session.save(prompt.sequence, options.saveSession);
    if (!options.hiddenOut.empty() && !interruptRequested)
      writeHidden(hidden, int64_t(prompt.ids.size()));
  }

  /// An error must not stand behind half a line of text.
  GenerateReport generateText(const Prompt &prompt) try {
    return generate(session, {&prompt, 1}, generation, *this);
  } catch (...) {
    if (!answers[0].ids.empty())
      finishText(answers[0]);
    throw;
  }

  std::vector<float> roomForHidden(const Prompt &prompt) const {
    const Manifest &m = engine->manifest();
    if (options.hiddenOut.empty())
      return {};
    // What does not fit is refused by generate.
    int64_t rows =
        std::min<int64_t>(int64_t(prompt.ids.size()), engine->context());
    return std::vector<float>(size_t((m.layers + 1) * rows * m.hidden));
  }

  void writeHidden(const std::vector<float> &hidden, int64_t rows) const {
    const Manifest &m = engine->manifest();
    writeSafetensors(options.hiddenOut, {{"hidden",
                                          "F32",
                                          {m.layers + 1, rows, m.hidden},
                                          hidden.data(),
                                          hidden.size() * sizeof(float)}});
  }

  void finishText(Answer &answer) {
    show(answer, answer.stream.finish());
    if (isatty(STDOUT_FILENO) || (!options.quiet && outputsAreOne()))
      writeOut("\n");
  }

  // Many prompts: JSON lines, as many at a time as there are sequences.

  void runMany() {
    std::vector<Request> requests;
    int empty = session.create();
    for (const Line &line : readLines())
      requests.push_back(parseRequest(line, empty));
    session.release(empty);
    std::span<const Request> rest(requests);
    while (!rest.empty() && !interruptRequested) {
      auto wave = rest.first(
          std::min<size_t>(rest.size(), size_t(engine->maxSequences())));
      runWave(wave, requests.size() - rest.size());
      rest = rest.subspan(wave.size());
    }
  }

  void runWave(std::span<const Request> wave, size_t first) {
    std::vector<Prompt> prompts;
    answers.clear();
    for (size_t i = 0; i < wave.size(); ++i) {
      prompts.push_back({session.create(), wave[i].ids});
      start(std::to_string(first + i) + ".");
    }
    GenerateReport report = generate(session, prompts, generation, *this);
    for (size_t i = 0; i < wave.size(); ++i) {
      answers[i].text += answers[i].stream.finish();
      writeAnswer(wave[i], answers[i], report.finish[i]);
      session.release(prompts[i].sequence);
    }
    total.promptTokens += report.promptTokens;
    total.promptSeconds += report.promptSeconds;
    total.decodeTokens += report.decodeTokens;
    total.decodeSeconds += report.decodeSeconds;
    firstAnswer += wave.size();
  }

  std::vector<Line> readLines() const {
    std::string text = readWholeFile(options.promptsFile, uint64_t(1) << 30);
    std::vector<Line> lines;
    int number = 0;
    for (size_t at = 0; at < text.size();) {
      size_t end = std::min(text.find('\n', at), text.size());
      std::string line = text.substr(at, end - at);
      at = end + 1;
      std::string where = options.promptsFile + ":" + std::to_string(++number);
      if (line.find_first_not_of(" \t\r") != line.npos)
        lines.push_back({where, parseJson(line, where)});
    }
    if (lines.empty())
      throw Error(options.promptsFile +
                  ": expected a JSON object on each line, found no line");
    return lines;
  }

  /// Checks a line as far as that is possible before anything is run; every
  /// complaint names it. `empty` is a sequence without tokens.
  Request parseRequest(const Line &line, int empty) const try {
    Request request{line.json.is_object() ? line.json.value("id", Json())
                                          : Json(),
                    idsOf(line.json)};
    checkPrompt(session, {empty, request.ids});
    return request;
  } catch (const Error &error) {
    throw Error(line.where + ": " + error.what(), error.hint);
  }

  std::vector<int32_t> idsOf(const Json &json) const {
    if (!json.is_object() || json.contains("prompt") == json.contains("ids"))
      throw Error("expected an object with either \"prompt\" or \"ids\"");
    for (const auto &[key, value] : json.items())
      if (key != "prompt" && key != "ids" && key != "id")
        throw Error(
            "expected the keys \"prompt\" or \"ids\" and \"id\", found \"" +
                key + "\"",
            "what holds for all prompts are options, such as -n");
    if (json.contains("prompt")) {
      if (!json["prompt"].is_string())
        throw Error("expected a string as \"prompt\"");
      return encodePrompt(*engine, json["prompt"].get<std::string>(),
                          options.parseSpecial);
    }
    if (!json["ids"].is_array())
      throw Error("expected a list as \"ids\"");
    std::vector<int32_t> ids;
    int64_t vocabulary = engine->manifest().vocabulary;
    for (const Json &id : json["ids"]) {
      if (!id.is_number_integer() || id < 0 || id >= vocabulary)
        throw Error("expected ids from 0 to " + std::to_string(vocabulary - 1) +
                    ", found " + id.dump());
      ids.push_back(id.get<int32_t>());
    }
    return ids;
  }

  void writeAnswer(const Request &request, const Answer &answer,
                   Finish finish) const {
    Json line = Json::object();
    if (!request.id.is_null())
      line["id"] = request.id;
    if (engine->tokenizer())
      line["text"] = answer.text;
    line["ids"] = answer.ids;
    line["prompt_tokens"] = request.ids.size();
    line["finish"] = nameOf(finish);
    writeOut(line.dump() + "\n");
  }

  // What generation reports.

  void start(const std::string &prefix) {
    answers.push_back({TextStream(options.stop), {}, {}});
    if (!options.logitsOut.empty())
      capture.addPrompt(prefix);
  }

  void promptRows(size_t prompt, int64_t rows, const float *logits) override {
    capture.promptRows(firstAnswer + prompt, rows, logits);
  }

  bool token(size_t prompt, int32_t id, const float *logits) override {
    if (!options.logitsOut.empty())
      capture.token(firstAnswer + prompt, id, logits);
    Answer &answer = answers[prompt];
    answer.ids.push_back(id);
    if (const Tokenizer *tokenizer = engine->tokenizer())
      show(answer, answer.stream.add(tokenizer->bytesOf(id)));
    else
      show(answer, std::to_string(id) + " ");
    return !answer.stream.stopped();
  }

  void show(Answer &answer, const std::string &text) const {
    if (text.empty())
      return;
    if (streaming)
      writeOut(text);
    else
      answer.text += text;
  }

  const RunOptions &options;
  std::unique_ptr<Engine> engine;
  Session session;
  LogitsCapture capture;
  GenerateOptions generation;
  GenerateReport total;
  std::vector<Answer> answers; ///< Of the present wave.
  size_t firstAnswer = 0;      ///< Prompts before the present wave.
  bool streaming = false;
};

/// A long run must not fail at its end.
void checkOutputs(const RunOptions &options) {
  for (const std::string &path :
       {options.saveSession, options.logitsOut, options.hiddenOut})
    if (!path.empty())
      checkWritable(path);
}

int fail(const Error &error, int code) {
  std::fflush(stdout);
  std::fprintf(stderr, "error: %s\n", error.what());
  if (!error.hint.empty())
    std::fprintf(stderr, "hint: %s\n", error.hint.c_str());
  return code;
}

} // namespace

void holdStandardStreams() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(fd, F_GETFD) < 0) // Opens as `fd`; using it still fails.
      open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int runMain(int argc, char **argv) try {
  RunOptions options = parseOptions(argc, argv);
  if (options.help || options.version) {
    writeOut(options.help ? helpText(argv[0]) : versionText(argv[0]));
    return 0;
  }
  checkOutputs(options);
  return Runner(options).run();
} catch (const UsageError &error) {
  return fail(error, 2);
} catch (const Error &error) {
  return fail(error, 1);
} catch (const std::bad_alloc &) {
  return fail(Error("out of memory"), 1);
} catch (const std::exception &error) {
  return fail(Error(error.what()), 1);
}

} // namespace braid::rt
