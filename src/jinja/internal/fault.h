// How errors travel inside this room. A template nests as deep as it likes, so an error unwinds
// through many frames of the parser or of the evaluation: here it is an exception, which
// Template::compile() and Template::render() turn into a value. None leaves the room.
#pragma once

#include <string>
#include <utility>

#include "jinja/template.h"

namespace chasqui::jinja {

struct Fault {
  TemplateError::Kind kind;
  std::string reason;
  int line = 0;  // 0: where the render is
};

[[noreturn]] inline void type_fault(std::string reason) {
  throw Fault{TemplateError::Kind::kType, std::move(reason)};
}
[[noreturn]] inline void undefined_fault(std::string reason) {
  throw Fault{TemplateError::Kind::kUndefined, std::move(reason)};
}
[[noreturn]] inline void limit_fault(std::string reason) {
  throw Fault{TemplateError::Kind::kLimit, std::move(reason)};
}
[[noreturn]] inline void syntax_fault(int line, std::string reason) {
  throw Fault{TemplateError::Kind::kSyntax, std::move(reason), line};
}

}  // namespace chasqui::jinja
