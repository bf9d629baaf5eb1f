//===- Options.cpp - the command line of the runner -----------------------===//
//
// Part of the Braid project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Options.h"
#include "core/File.h"

#include "braid-rt/abi.h"

#include <charconv>
#include <cmath>
#include <sstream>

namespace braid::rt {
namespace {

using Text = const std::string &;

template <typename T> T number(Text option, Text text, T lowest, T highest) {
  T value{};
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() ||
      !(value >= lowest && value <= highest)) {
    std::ostringstream range;
    range << "a number from " << lowest << " to " << highest;
    throw UsageError(option + ": expected " + range.str() + ", found '" + text +
                     "'");
  }
  return value;
}

int64_t count(Text option, Text text, int64_t lowest = 1) {
  return number<int64_t>(option, text, lowest, int64_t(1) << 31);
}

/// What can be shown of a word that is perhaps of a binary file.
std::string readable(Text text) {
  std::string shown;
  for (char c : text.substr(0, 20))
    shown += c > ' ' && c < 127 ? c : '?';
  return text.size() > 20 ? shown + "..." : shown;
}

/// Throws Error, not UsageError: ids are data, often from a file.
int32_t tokenId(Text where, Text text) {
  int64_t id = -1;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), id);
  if (error == std::errc::invalid_argument || end != text.data() + text.size())
    throw Error(where + ": expected token ids, found '" + readable(text) + "'");
  if (error != std::errc() || id < 0 || id > INT32_MAX)
    throw Error(where + ": id " + text + " is out of range");
  return int32_t(id);
}

/// Numbers with commas or white space between them.
std::vector<int32_t> idList(Text where, Text text) {
  static constexpr char separators[] = ", \t\r\n";
  std::vector<int32_t> ids;
  for (size_t at = 0;;) {
    size_t begin = text.find_first_not_of(separators, at);
    if (begin == text.npos)
      return ids;
    at = std::min(text.find_first_of(separators, begin), text.size());
    ids.push_back(tokenId(where, text.substr(begin, at - begin)));
  }
}

/// What follows the colon is judged where artefact and machine are known.
std::string device(Text text) {
  if (std::string wrong = wrongDevice(text); !wrong.empty())
    throw UsageError(wrong);
  return text;
}

struct Flag {
  const char *name;
  bool takesValue;
  void (*set)(RunOptions &, Text name, Text value);
};

// One line per option; --help follows the same order.
constexpr Flag flags[] = {
    {"--prompt", true, [](RunOptions &o, Text, Text v) { o.prompt = v; }},
    {"--prompts-file", true,
     [](RunOptions &o, Text, Text v) { o.promptsFile = v; }},
    {"--ids", true,
     [](RunOptions &o, Text n, Text v) { o.ids = idList(n, v); }},
    {"--ids-file", true,
     [](RunOptions &o, Text, Text v) {
       o.ids = idList(v, readWholeFile(v, uint64_t(64) << 20));
     }},
    {"--parse-special", false,
     [](RunOptions &o, Text, Text) { o.parseSpecial = true; }},
    {"-n", true,
     [](RunOptions &o, Text n, Text v) {
       o.generate.maxTokens = count(n, v, 0);
     }},
    {"--stop", true,
     [](RunOptions &o, Text n, Text v) {
       if (v.empty())
         throw UsageError(n + ": expected some text, found none");
       o.stop.push_back(v);
     }},
    {"--ignore-eos", false,
     [](RunOptions &o, Text, Text) { o.generate.ignoreEos = true; }},
    {"--temperature", true,
     [](RunOptions &o, Text n, Text v) {
       o.generate.sampling.temperature = number<double>(n, v, 0, 1000);
     }},
    {"--top-k", true,
     [](RunOptions &o, Text n, Text v) {
       o.generate.sampling.topK = count(n, v, 0);
     }},
    {"--top-p", true,
     [](RunOptions &o, Text n, Text v) {
       o.generate.sampling.topP = number<double>(n, v, 1e-6, 1);
     }},
    {"--seed", true,
     [](RunOptions &o, Text n, Text v) {
       o.generate.sampling.seed = number<uint64_t>(n, v, 0, UINT64_MAX);
     }},
    {"--threads", true,
     [](RunOptions &o, Text n, Text v) {
       o.engine.threads = number<int>(n, v, 1, 1024);
     }},
    {"--context", true,
     [](RunOptions &o, Text n, Text v) { o.engine.context = count(n, v); }},
    {"--max-sequences", true,
     [](RunOptions &o, Text n, Text v) {
       o.engine.maxSequences =
           number<int64_t>(n, v, 1, EngineOptions::kMostSequences);
       o.maxSequencesGiven = true;
     }},
    {"--weights-dir", true,
     [](RunOptions &o, Text, Text v) { o.engine.weightsDir = v; }},
    {"--synthetic-weights", true,
     [](RunOptions &o, Text n, Text v) {
       o.engine.syntheticSeed = number<uint64_t>(n, v, 0, UINT64_MAX);
     }},
    {"--device", true,
     [](RunOptions &o, Text, Text v) { o.engine.device = device(v); }},
    {"--allow-jit", false,
     [](RunOptions &o, Text, Text) { o.engine.allowJit = true; }},
    {"--save-session", true,
     [](RunOptions &o, Text, Text v) { o.saveSession = v; }},
    {"--load-session", true,
     [](RunOptions &o, Text, Text v) { o.loadSession = v; }},
    {"--logits", true, [](RunOptions &o, Text, Text v) { o.logitsOut = v; }},
    {"--hidden", true, [](RunOptions &o, Text, Text v) { o.hiddenOut = v; }},
    {"-q", false, [](RunOptions &o, Text, Text) { o.quiet = true; }},
    {"--quiet", false, [](RunOptions &o, Text, Text) { o.quiet = true; }},
    {"--help", false, [](RunOptions &o, Text, Text) { o.help = true; }},
    {"-h", false, [](RunOptions &o, Text, Text) { o.help = true; }},
    {"--version", false, [](RunOptions &o, Text, Text) { o.version = true; }},
};

const Flag *findFlag(Text name) {
  for (const Flag &flag : flags)
    if (name == flag.name)
      return &flag;
  return nullptr;
}

/// Takes the option at argv[i], and its value if that is an argument of its
/// own. Returns the index of the last argument taken.
int takeOption(RunOptions &options, int i, int argc, char **argv) {
  std::string name = argv[i], value;
  size_t equals = name.find('=');
  bool attached = equals != name.npos;
  if (attached) {
    value = name.substr(equals + 1);
    name.resize(equals);
  }
  const Flag *flag = findFlag(name);
  if (!flag)
    throw UsageError("unknown option '" + name + "'",
                     "`" + std::string(argv[0]) + " --help` lists them all");
  if (attached && !flag->takesValue)
    throw UsageError(name + ": takes no value");
  if (flag->takesValue && !attached) {
    if (i + 1 == argc)
      throw UsageError(name + ": expected a value");
    value = argv[++i];
  }
  flag->set(options, name, value);
  return i;
}

void checkTogether(const RunOptions &o, Text program) {
  int inputs =
      o.prompt.has_value() + o.ids.has_value() + !o.promptsFile.empty();
  std::string model = o.artifact.empty() ? "model.braid" : o.artifact;
  std::string example = "for example: " + program + " " + model +
                        " --prompt \"Once upon a time\"";
  if (o.artifact.empty())
    throw UsageError("no artefact given", example);
  if (inputs == 0 && o.loadSession.empty())
    throw UsageError("nothing to read: no --prompt", example);
  if (inputs > 1)
    throw UsageError("--prompt, --ids, --ids-file and --prompts-file exclude "
                     "each other");
  if (!o.promptsFile.empty() &&
      !(o.loadSession + o.saveSession + o.hiddenOut).empty())
    throw UsageError("--prompts-file goes with neither --save-session, "
                     "--load-session nor --hidden");
  if (!o.hiddenOut.empty() && inputs == 0)
    throw UsageError("--hidden needs a prompt");
}

} // namespace

RunOptions parseOptions(int argc, char **argv) {
  RunOptions options;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument.size() > 1 && argument[0] == '-')
      i = takeOption(options, i, argc, argv);
    else if (options.artifact.empty())
      options.artifact = argument;
    else
      throw UsageError("expected one artefact, found also '" + argument + "'",
                       "text with spaces needs quotes");
  }
  if (!options.help && !options.version)
    checkTogether(options, argv[0]);
  return options;
}

std::string versionText(const std::string &program) {
  return program + " " BRAID_VERSION "\nABI " +
         std::to_string(BRAID_ABI_VERSION) + "\n";
}

std::string helpText(const std::string &program) {
  return "usage: " + program + " MODEL.braid --prompt TEXT [options]\n" + R"(
Generates text with a compiled model. The text goes to stdout, everything else
to stderr.

  )" + program +
         R"( model.braid --prompt "Once upon a time"
  )" + program +
         R"( model.braid --prompt "Once" -n 40 --temperature 0.8 --seed 7

What to read
  --prompt TEXT          the text to continue
  --prompts-file F       many prompts at once: a JSON object a line with the
                         key "prompt" (a text) or "ids" (a list), and no other
                         than "id", which comes back; answers are JSON lines
                         too, in the same order
  --ids 1,2,3            token ids instead of text
  --ids-file F           token ids from a file
  --parse-special        special tokens written in the prompt count as such
                         (otherwise they are plain text)
When to stop
  -n N                   after N tokens (default: a stop token or full context)
  --stop TEXT            before TEXT appears; may be repeated
  --ignore-eos           go on after stop tokens
How to choose (default: always the most likely token)
  --temperature T        0 greedy, 1 as the model says, higher: wilder
  --top-k K              only among the K most likely
  --top-p P              only among the most likely that together reach P
  --seed N               another seed, another text; same seed, same text
Where and how it runs
  --threads N            default: physical cores, capped by the CPU quota
  --context N            tokens a sequence can hold (default: the model's limit,
                         at most 8192)
  --max-sequences N      prompts that run together (default: 8, or as many as
                         --prompts-file has)
  --weights-dir DIR      where the weights are, if not beside the artefact
  --synthetic-weights S  made-up weights from seed S, to run a model that was
                         compiled without any
  --device D             where to run: cpu; cuda or cuda:N, an NVIDIA GPU that
                         the artefact has code for; sim (its first target) or
                         sim:TARGET, its GPU code (compiled --with-sim) thread
                         by thread on the CPU, slowly and with checks; auto
                         (default): cuda if it is there, else cpu
  --allow-jit            the GPU's driver may compile code that was not
                         assembled for it
Sessions
  --save-session F       write the state at the end
  --load-session F       go on from there, without reading the prompt again;
                         only with the same artefact
For tests and tools
  --logits F             safetensors: prompt.logits [T,V], decode.tokens [n],
                         decode.logits [n,V] (row i: what token i was chosen
                         from); with --prompts-file each name begins with the
                         prompt's number and a dot
  --hidden F             safetensors: hidden [layers+1,T,H] of the prompt
  -q, --quiet            only text and errors
  -h, --help             this page
  --version              of this program, and of the artefacts it reads

Exit codes: 0, 1 error, 2 usage, 130 interrupted (the text so far is written).
)";
}

} // namespace braid::rt
