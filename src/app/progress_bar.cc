#include "app/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace chasqui::app {
namespace {
constexpr int kWidth = 32;
}

ProgressBar::ProgressBar(std::string label)
    : label_(std::move(label)), terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (!terminal_ || shown_percent_ < 0) return;
  fmt::print(stderr, "{}", shown_percent_ >= 100 ? "\n" : "\r\x1b[K");
}

void ProgressBar::update(double done) {
  if (!terminal_) return;
  const int percent = static_cast<int>(std::clamp(done, 0.0, 1.0) * 100.0);
  if (percent == shown_percent_) return;
  shown_percent_ = percent;
  const int filled = percent * kWidth / 100;
  fmt::print(stderr, "\r{} [{}{}] {:3} %", label_, std::string(static_cast<size_t>(filled), '='),
             std::string(static_cast<size_t>(kWidth - filled), ' '), percent);
  std::fflush(stderr);
}

}  // namespace chasqui::app
