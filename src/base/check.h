// CHECK: our own invariants. A failed check prints file, line, the condition and a formatted
// message, and aborts: it is always our bug. User data never decides whether a CHECK holds.
#pragma once

#include <fmt/format.h>

#include <string>

namespace chasqui {
[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               const std::string& message);
}

// CHASQUI_CHECK(used <= size, "used {} of {}", used, size);
#define CHASQUI_CHECK(condition, ...)                                                    \
  do {                                                                                   \
    if (!(condition)) [[unlikely]]                                                       \
      ::chasqui::check_failed(__FILE__, __LINE__, #condition, fmt::format(__VA_ARGS__)); \
  } while (false)
