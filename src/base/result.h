// Errors as values. Every function that can fail because of what somebody gave us (a file, a
// request, a setting) returns Result<T>; our own bugs end in CHECK (check.h). No exception
// crosses a room's border.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace chasqui {

// What went wrong, coarse enough to choose an HTTP status or an exit code by.
enum class ErrorCode {
  kInvalidArgument,    // the caller's value is wrong: type, range, syntax
  kContextLength,      // the prompt does not fit the context window
  kNotFound,           // no such file, model, key, tensor
  kUnsupported,        // well formed, but this build or model cannot do it
  kCorrupt,            // a file contradicts itself or its size
  kResourceExhausted,  // a bound was hit: queue, memory, cache; trying later may work
  kCancelled,          // the caller went away or asked to stop
  kIo,                 // the operating system refused
  kInternal,           // our fault, reported instead of hidden
};

// One sentence that its reader can act on: it names the file, key, field or flag, what was
// found, what was expected, and the way out where there is one.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string
      param;  // path of the request field or setting at fault ("messages[2].content"), or ""
};

template <typename T>
using Result = tl::expected<T, Error>;

// Result of something that has no value but can fail.
using Status = Result<void>;

// `return fail(ErrorCode::kCorrupt, "...")` converts to any Result<T>.
inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string param = "") {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(param)});
}

inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

// Stable lower-case name ("invalid_argument") for logs and tests.
const char* error_code_name(ErrorCode code);

}  // namespace chasqui

// Evaluates `expr` (a Result<T>); returns its error from the calling function, or binds its value.
//   CHASQUI_TRY(auto file, gguf::File::open(path));
#define CHASQUI_TRY(decl, expr) CHASQUI_TRY_IMPL(CHASQUI_TRY_CAT(try_result_, __LINE__), decl, expr)
#define CHASQUI_TRY_IMPL(tmp, decl, expr)        \
  auto tmp = (expr);                             \
  if (!tmp) return ::chasqui::fail(tmp.error()); \
  decl = std::move(*tmp)
#define CHASQUI_TRY_CAT(a, b) CHASQUI_TRY_CAT2(a, b)
#define CHASQUI_TRY_CAT2(a, b) a##b

// The same for a Status, which has no value to bind.
#define CHASQUI_TRY_STATUS(expr) \
  if (auto try_status = (expr); !try_status) return ::chasqui::fail(try_status.error())
