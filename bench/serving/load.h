// A load generator that costs little: one thread, epoll, and no parsing beyond what finds the end
// of an answer and counts the events of a stream.
#pragma once

#include <cstdint>
#include <string>

namespace chasqui::bench {

struct Load {
  uint16_t port = 0;
  int connections = 1;  // kept alive; one request at a time on each
  std::string request;  // head and body, sent again and again
  double seconds = 0;   // no request begins later; those that run are waited for
};

struct LoadResult {
  int64_t requests = 0;
  int64_t events = 0;        // lines that begin with "data: {": one for each streamed token
  double wall_seconds = 0;   // first request sent to last answer complete
  double server_cpu = 0;     // seconds of this process without the generator's own thread
  double generator_cpu = 0;  // seconds of that thread
};

// The bytes of a POST with a JSON body.
std::string post_request(const std::string& path, const std::string& body);

// Runs on the calling thread. Throws when a connection fails or an answer's status is not 200.
LoadResult run_load(const Load& load);

}  // namespace chasqui::bench
