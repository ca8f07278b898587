// The whole server around a model that computes nothing, and a plain Beast echo server: what the
// first costs beyond the second is chasqui's own work.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

namespace chasqui::bench {

class BenchServer {
 public:
  virtual ~BenchServer() = default;
  virtual uint16_t port() const = 0;
};

// Every step names the next letter at once; with `step` > 0 the engine's thread first sleeps so
// long, as a step of a real model would take. No answer ends before max_tokens. Over a vocabulary
// of 260, so that choosing a token costs next to nothing (chasqui_bench_sample measures that).
// `logs`: requests are counted and logged to the standard error, as `chasqui serve` does it.
// Throws when it cannot start.
std::unique_ptr<BenchServer> start_mock_server(int io_threads, std::chrono::microseconds step,
                                               bool logs);

// Answers each request with its own body: Beast's parser and serializer, keep-alive, coroutines.
std::unique_ptr<BenchServer> start_echo_server(int io_threads);

}  // namespace chasqui::bench
