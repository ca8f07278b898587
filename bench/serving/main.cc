// What the server itself costs, with a model that computes nothing: processor time for each
// streamed token, and short requests a second beside what a plain Beast echo server does with the
// same bytes in the same run. Rounds alternate; medians are printed.
//
//   chasqui_bench_serving [--rounds N] [--seconds S] [--only PART_OF_A_NAME] 2> FILE
//
// Standard error gets a line for each request where the server logs, which is its default.

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "serving/load.h"
#include "serving/mock_server.h"

namespace chasqui::bench {
namespace {

constexpr int kIoThreads = 2;
using std::chrono::microseconds;

struct Scenario {
  std::string_view name;
  bool echo;          // Beast's server instead of ours
  bool stream;        // the figure is per token, else per request
  microseconds step;  // time of a step of the mock engine
  int connections;
  std::string_view path;
  std::string_view body;
  bool logs = false;
};

constexpr std::string_view kShort =
    R"({"model":"mock","prompt":"The sky is","max_tokens":4,"temperature":0})";
constexpr std::string_view kShortChat =
    R"({"model":"mock","messages":[{"role":"user","content":"Hi"}],"max_tokens":4,"temperature":0})";
constexpr std::string_view kStream =
    R"({"model":"mock","prompt":"The sky is","max_tokens":512,"temperature":0,"stream":true})";
constexpr std::string_view kStreamChat =
    R"({"model":"mock","messages":[{"role":"user","content":"Hi"}],"max_tokens":512,"stream":true})";

constexpr const char* kCompletions = "/v1/completions";
constexpr const char* kChat = "/v1/chat/completions";
constexpr microseconds kNone{0};
constexpr microseconds kStep{2000};

// `echo` answers with the request, so its bodies are of the size of ours.
constexpr Scenario kScenarios[] = {
    {"echo, 16 connections", true, false, kNone, 16, kCompletions, kShort},
    {"completions, 16 connections", false, false, kNone, 16, kCompletions, kShort},
    {"completions, 16 connections, logged", false, false, kNone, 16, kCompletions, kShort, true},
    {"chat, 16 connections, logged", false, false, kNone, 16, kChat, kShortChat, true},
    {"chat, 16 connections", false, false, kNone, 16, kChat, kShortChat},
    {"completions, 1 connection", false, false, kNone, 1, kCompletions, kShort},
    {"echo, 1 connection", true, false, kNone, 1, kCompletions, kShort},
    {"1 stream, engine at full speed", false, true, kNone, 1, kCompletions, kStream},
    {"16 streams, engine at full speed", false, true, kNone, 16, kCompletions, kStream},
    {"16 chat streams, default sampling, full speed", false, true, kNone, 16, kChat, kStreamChat},
    {"1 stream, 2 ms a step", false, true, kStep, 1, kCompletions, kStream},
    {"16 streams, 2 ms a step", false, true, kStep, 16, kCompletions, kStream},
};

struct Options {
  int rounds = 3;
  double seconds = 1.0;
  std::string_view only;
};

Options read_options(int count, char** words) {
  Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = words[i];
    if (name == "--rounds") {
      options.rounds = std::max(1, std::atoi(words[i + 1]));
    } else if (name == "--seconds") {
      options.seconds = std::atof(words[i + 1]);
    } else if (name == "--only") {
      options.only = words[i + 1];
    } else {
      throw std::runtime_error(fmt::format("unknown option {}", name));
    }
  }
  if (count % 2 == 0) throw std::runtime_error("every option takes a value");
  return options;
}

LoadResult measure(const Scenario& scenario, double seconds) {
  const auto server = scenario.echo ? start_echo_server(kIoThreads)
                                    : start_mock_server(kIoThreads, scenario.step, scenario.logs);
  Load load{server->port(), scenario.connections,
            post_request(std::string(scenario.path), std::string(scenario.body)), seconds / 10};
  run_load(load);  // connections, threads and heaps come into being
  load.seconds = seconds;
  return run_load(load);
}

double per_unit(const Scenario& scenario, double seconds, const LoadResult& result) {
  const int64_t units = scenario.stream ? result.events : result.requests;
  return seconds * 1e6 / static_cast<double>(std::max<int64_t>(units, 1));
}

template <typename Value>
double median(const std::vector<LoadResult>& results, const Value& value) {
  std::vector<double> values;
  for (const LoadResult& result : results) values.push_back(value(result));
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print_json(const Scenario& scenario, const LoadResult& result) {
  fmt::print(
      "{{\"what\": \"{}\", \"requests\": {}, \"tokens\": {}, \"wall_seconds\": {:.3f}, "
      "\"server_cpu_seconds\": {:.3f}, \"generator_cpu_seconds\": {:.3f}}}\n",
      scenario.name, result.requests, result.events, result.wall_seconds, result.server_cpu,
      result.generator_cpu);
  std::fflush(stdout);
}

void print_row(const Scenario& scenario, const std::vector<LoadResult>& results) {
  const double rate = median(results, [&](const LoadResult& result) {
    return static_cast<double>(scenario.stream ? result.events : result.requests) /
           result.wall_seconds;
  });
  const double server =
      median(results, [&](const LoadResult& r) { return per_unit(scenario, r.server_cpu, r); });
  const double generator =
      median(results, [&](const LoadResult& r) { return per_unit(scenario, r.generator_cpu, r); });
  fmt::print("{:<46} {:>9.0f} {:<8} {:>8.1f} {:>10.1f}\n", scenario.name, rate,
             scenario.stream ? "tokens" : "requests", server, generator);
}

void run(const Options& options) {
  std::vector<const Scenario*> chosen;
  for (const Scenario& scenario : kScenarios) {
    if (scenario.name.find(options.only) != std::string_view::npos) chosen.push_back(&scenario);
  }
  std::vector<std::vector<LoadResult>> results(chosen.size());
  for (int round = 0; round < options.rounds; ++round) {
    for (size_t i = 0; i < chosen.size(); ++i) {
      results[i].push_back(measure(*chosen[i], options.seconds));
      print_json(*chosen[i], results[i].back());
    }
  }
  fmt::print("\n{:<46} {:>18} {:>8} {:>10}\n", "", "a second", "us CPU", "generator");
  for (size_t i = 0; i < chosen.size(); ++i) print_row(*chosen[i], results[i]);
}

}  // namespace
}  // namespace chasqui::bench

int main(int count, char** words) {
  try {
    spdlog::set_default_logger(spdlog::stderr_color_mt("chasqui"));
    spdlog::set_level(spdlog::level::debug);
    chasqui::bench::run(chasqui::bench::read_options(count, words));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
