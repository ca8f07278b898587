#include "jinja/template.h"

#include <algorithm>
#include <new>

#include "jinja/internal/fault.h"
#include "jinja/internal/parser.h"

namespace chasqui::jinja {
namespace {

TemplateError error_of(Fault&& fault, int line) {
  return {fault.kind, fault.line != 0 ? fault.line : line, std::move(fault.reason)};
}

// Runs `work`; what it throws becomes the error.
template <typename T, typename Work>
TemplateResult<T> guarded(const int& line, const Work& work) {
  try {
    return work();
  } catch (Fault& fault) {
    return tl::unexpected<TemplateError>(error_of(std::move(fault), line));
  } catch (const std::bad_alloc&) {
    return tl::unexpected<TemplateError>(
        TemplateError{TemplateError::Kind::kLimit, line, "there is not enough memory"});
  }
}

}  // namespace

Error TemplateError::to_error() const {
  const ErrorCode code =
      kind == Kind::kLimit ? ErrorCode::kResourceExhausted : ErrorCode::kInvalidArgument;
  return {code, "line " + std::to_string(line) + ": " + reason, ""};
}

NameId internal::Program::name_id(std::string_view name) {
  const auto known = ids.find(std::string(name));
  if (known != ids.end()) return known->second;
  const auto id = static_cast<NameId>(ids.size());
  ids.emplace(name, id);
  return id;
}

TemplateResult<Template> Template::compile(std::string_view source) {
  const int line = 1;
  return guarded<Template>(line, [&]() -> Template {
    if (source.size() > kMaxSourceBytes) {
      limit_fault("the template has more than " + std::to_string(kMaxSourceBytes) + " bytes");
    }
    auto program = std::make_shared<internal::Program>();
    ParserState state(tokenize(source), *program);
    program->body = StatementParser(state).whole_template();
    return Template(std::move(program));
  });
}

TemplateResult<Text> Template::render(const Variables& variables,
                                      const RenderOptions& options) const {
  Machine machine(options);
  return guarded<Text>(machine.line, [&]() -> Text {
    const ScopeGuard scope(machine);
    for (const auto& [name, value] : variables) {
      const auto known = program_->ids.find(name);
      if (known != program_->ids.end()) machine.set(known->second, value);
    }
    run_body(machine, program_->body);
    return machine.take_output();
  });
}

}  // namespace chasqui::jinja
