// Jinja2 as published chat templates are written in it, the way Hugging Face's
// apply_chat_template runs it: trim_blocks, lstrip_blocks, loop controls, {% generation %},
// raise_exception, strftime_now, and tojson as json.dumps. The language is that of
// https://jinja.palletsprojects.com/en/3.1.x/templates/, its values behave as Python's do.
//
//   auto compiled = Template::compile(source);          // once
//   auto rendered = compiled->render(variables, {});    // from any thread, as often as wanted
//
// A template is somebody else's program, and runs in a sandbox: no attribute that starts with
// "__", nothing that changes a value, and bounds on steps, recursion, memory and output.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "base/result.h"
#include "jinja/text.h"
#include "jinja/value.h"

namespace chasqui::jinja {

// Why a template did not compile or did not render.
struct TemplateError {
  enum class Kind {
    kSyntax,     // it is not Jinja
    kRaised,     // the template called raise_exception: it refuses its input
    kUndefined,  // something undefined was used
    kType,       // an operation that the values do not have, or a bad argument
    kUnsafe,     // the sandbox forbids it
    kLimit,      // a bound was hit
  };
  Kind kind = Kind::kSyntax;
  int line = 0;        // of the template, from 1
  std::string reason;  // for kRaised the template's own words

  // "line 12: ..."; a bound becomes kResourceExhausted, all else kInvalidArgument.
  Error to_error() const;
};

template <typename T>
using TemplateResult = tl::expected<T, TemplateError>;

// Bounds of one render. The defaults leave a thousand times what the largest published templates
// need for a conversation of 100 messages.
struct Limits {
  int64_t steps = 20'000'000;      // nodes evaluated; about a second
  int depth = 1000;                // nodes within each other, macros called included
  size_t made_bytes = 512u << 20;  // of all strings and lists made on the way
  size_t output_bytes = 64u << 20;
};

struct RenderOptions {
  Limits limits;
  std::optional<std::tm> now;  // for strftime_now; none: the local time
};

using Variables = std::vector<std::pair<std::string, Value>>;

namespace internal {
struct Program;
}

// A compiled template: immutable, cheap to copy; any thread may render with it.
class Template {
 public:
  // Source text of at most this many bytes, nested at most this deep, is compiled.
  static constexpr size_t kMaxSourceBytes = 4u << 20;
  static constexpr int kMaxNesting = 150;

  // Errors are kSyntax or kLimit. Filters and tests that do not exist are errors only where a
  // render comes by them, since templates ask `is defined` first.
  static TemplateResult<Template> compile(std::string_view source);

  // The text, each byte marked with its author. `variables` hide the built-in names.
  TemplateResult<Text> render(const Variables& variables, const RenderOptions& options = {}) const;

 private:
  explicit Template(std::shared_ptr<const internal::Program> program)
      : program_(std::move(program)) {}

  std::shared_ptr<const internal::Program> program_;
};

}  // namespace chasqui::jinja
