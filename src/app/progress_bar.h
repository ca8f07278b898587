// A bar on a terminal's standard error while something long runs; silent where standard error is
// no terminal, so logs stay clean. One thread.
#pragma once

#include <string>

namespace chasqui::app {

class ProgressBar {
 public:
  // Shows nothing before the first update().
  explicit ProgressBar(std::string label);
  ~ProgressBar();  // leaves a finished line behind, or wipes an unfinished one
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // `done`: 0 to 1. Cheap when the picture would not change.
  void update(double done);

 private:
  std::string label_;
  bool terminal_;
  int shown_percent_ = -1;
};

}  // namespace chasqui::app
