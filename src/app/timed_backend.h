// A backend that passes every op on to another one and adds up the time that its kinds of op take:
// for benchmarks. Costs two looks at the clock an op.
#pragma once

#include <memory>

#include "backend/backend.h"

namespace chasqui::app {

// Seconds since the last reset.
struct OpTimes {
  double attention = 0;  // without the store of keys and values
  double products = 0;   // linear, expert_linear
  double other = 0;
};

class TimedBackend : public backend::Backend {
 public:
  virtual OpTimes times() const = 0;
  virtual void reset() = 0;
};

// Weights, pools and memory are those of `backend`. Threads: as of any backend.
std::unique_ptr<TimedBackend> make_timed_backend(std::unique_ptr<backend::Backend> backend);

}  // namespace chasqui::app
