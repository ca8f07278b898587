// What guessing ahead brings: tokens a second without drafts, with prompt lookup and with draft
// models, in turn in one process, on texts that repeat themselves more or less. Fails if an answer
// differs from the one without drafts.
//
//   chasqui_bench_drafts --demo FILE --folder FOLDER [--rounds N] [--text PART_OF_A_NAME]
//                        [--draft PART_OF_A_NAME] [--target FILE]
//
// The models are the demo model in other shapes (widen.h), written to FOLDER where they are
// missing.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "drafts/asking.h"
#include "drafts/widen.h"

namespace chasqui::bench {
namespace {

struct Options {
  std::string demo = "models/demo/chasqui-demo.gguf";
  std::string folder = "build/bench-models";
  std::string text;
  std::string draft;
  std::string target;  // another model that answers
  int rounds = 3;
};

struct ModelRow {
  std::string_view name;  // of the file, without .gguf
  WideShape shape;
};

// The target, and drafts of a tenth of its size: one that writes the same text, and one that
// writes none.
const ModelRow kModels[] = {
    {"drafts-target", {}},
    {"drafts-small", {.layers = 6, .hidden = 1024, .ffn = 3072, .heads = 16, .kv_heads = 4}},
    {"drafts-random",
     {.layers = 6, .hidden = 1024, .ffn = 3072, .heads = 16, .kv_heads = 4, .random_seed = 1}},
};

struct Way {
  std::string name;
  std::string draft;  // the setting draft_model
};

std::string file_of(const Options& options, std::string_view name) {
  return fmt::format("{}/{}.gguf", options.folder, name);
}

void make_models(const Options& options) {
  std::filesystem::create_directories(options.folder);
  for (const ModelRow& row : kModels) {
    const std::string path = file_of(options, row.name);
    if (std::filesystem::exists(path)) continue;
    const Status written = write_widened(options.demo, path, row.shape);
    if (!written) throw std::runtime_error(written.error().message);
  }
}

Options read_options(int count, char** words) {
  Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = words[i];
    const std::string value = words[i + 1];
    if (name == "--demo") options.demo = value;
    if (name == "--folder") options.folder = value;
    if (name == "--text") options.text = value;
    if (name == "--draft") options.draft = value;
    if (name == "--target") options.target = value;
    if (name == "--rounds") options.rounds = std::max(1, std::atoi(value.c_str()));
  }
  return options;
}

struct Line {
  std::string text;
  std::string way;
  std::vector<Measured> rounds;

  double median_rate() const {
    std::vector<double> rates;
    for (const Measured& m : rounds) rates.push_back(m.tokens_per_s());
    std::ranges::sort(rates);
    return rates[rates.size() / 2];
  }
};

// The ways in turn, so that a slow minute of the machine falls on all of them. Each text is asked
// twice, and the second time, with its prompts in the cache, counts.
std::vector<Line> measure(const Text& text, const std::vector<Way>& ways, const Target& target,
                          int rounds) {
  std::vector<Line> lines;
  for (const Way& way : ways) lines.push_back({std::string(text.name), way.name, {}});
  std::vector<std::string> plain;
  for (int round = 0; round < rounds; ++round) {
    for (Line& line : lines) {
      Asking asking(target, ways[static_cast<size_t>(&line - lines.data())].draft);
      asking.ask(text);
      Measured measured = asking.ask(text);
      if (plain.empty()) plain = measured.answers;
      if (measured.answers != plain) {
        throw std::runtime_error(fmt::format("{} answers \"{}\" otherwise", line.way, text.name));
      }
      line.rounds.push_back(std::move(measured));
    }
  }
  return lines;
}

void print(const std::vector<Line>& lines) {
  const double plain = lines.front().median_rate();
  for (const Line& line : lines) {
    const Measured& m = line.rounds.front();
    fmt::print(
        "{{\"text\": \"{}\", \"draft\": \"{}\", \"tokens\": {}, \"tokens_per_s\": {:.1f}, "
        "\"speed_up\": {:.2f}, \"drafted\": {}, \"accepted\": {}, \"steps\": {}}}\n",
        line.text, line.way, m.tokens, line.median_rate(), line.median_rate() / plain, m.drafted,
        m.accepted, m.steps);
  }
  for (const Line& line : lines) {
    const Measured& m = line.rounds.front();
    fmt::print(stderr, "{:<34} {:<16} {:>8.1f} t/s {:>6.2f}x   {:>4} of {:>4} guesses right\n",
               line.text, line.way, line.median_rate(), line.median_rate() / plain, m.accepted,
               m.drafted);
  }
  std::fflush(stdout);
}

void run(const Options& options) {
  make_models(options);
  const Target target(options.target.empty() ? file_of(options, "drafts-target") : options.target);
  std::vector<Way> ways = {{"none", ""},
                           {"prompt lookup", "prompt-lookup-decoding"},
                           {"demo model", options.demo},
                           {"small model", file_of(options, "drafts-small")},
                           {"random model", file_of(options, "drafts-random")}};
  std::erase_if(ways, [&](const Way& way) {
    return !way.draft.empty() && way.name.find(options.draft) == std::string::npos;
  });
  for (const Text& text : texts()) {
    if (text.name.find(options.text) == std::string_view::npos) continue;
    print(measure(text, ways, target, options.rounds));
  }
}

}  // namespace
}  // namespace chasqui::bench

int main(int count, char** words) {
  spdlog::set_level(spdlog::level::warn);
  try {
    chasqui::bench::run(chasqui::bench::read_options(count, words));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
