#include <algorithm>

#include "jinja/internal/fault.h"
#include "jinja/internal/parser.h"

namespace chasqui::jinja {
namespace {

// Clears a mark of the parser for a body. Afterwards it is as before, unless what the body looks at
// `reaches_out` to the surrounding one as well.
class MarkScope {
 public:
  explicit MarkScope(bool& mark, bool reaches_out = false)
      : mark_(mark), before_(mark), reaches_out_(reaches_out) {
    mark = false;
  }
  ~MarkScope() { mark_ = before_ || (reaches_out_ && mark_); }
  MarkScope(const MarkScope&) = delete;
  MarkScope& operator=(const MarkScope&) = delete;

 private:
  bool& mark_;
  const bool before_;
  const bool reaches_out_;
};

}  // namespace

Body StatementParser::whole_template() {
  Body all = body({});
  if (!tokens_.at(TokenKind::kEnd)) tokens_.fail("the end of the template");
  return all;
}

Body StatementParser::body(Ends ends) {
  const NestingGuard guard(state_);
  Body statements;
  for (;;) {
    const int line = tokens_.peek().line;
    switch (tokens_.peek().kind) {
      case TokenKind::kText:
        statements.push_back(state_.program.make<WriteText>(line, tokens_.next().text));
        continue;
      case TokenKind::kVariableBegin:
        tokens_.next();
        statements.push_back(state_.program.make<Print>(line, expressions_.tuple()));
        tokens_.expect(TokenKind::kVariableEnd, "'}}'");
        continue;
      case TokenKind::kBlockBegin:
        break;
      default:
        if (ends.size() > 0) tokens_.fail("{% " + std::string(*std::prev(ends.end())) + " %}");
        return statements;
    }
    tokens_.next();
    const auto is_end = [&](std::string_view end) { return tokens_.at_name(end); };
    if (std::any_of(ends.begin(), ends.end(), is_end)) return statements;
    statements.push_back(block());
  }
}

Body StatementParser::body_and_end(std::string_view end) {
  Body statements = body({end});
  tokens_.next();
  end_of_tag();
  return statements;
}

const Statement* StatementParser::block() {
  const int line = tokens_.peek().line;
  const std::string word = tokens_.expect_name();
  if (word == "if") return if_block(line);
  if (word == "for") return for_loop(line);
  if (word == "set") return set(line);
  if (word == "macro") return macro(line);
  if (word == "call") return call_block(line);
  if (word == "filter") return filter_block(line);
  if (word == "with") return with(line);
  if (word == "break") return loop_control(line, Flow::kBreak);
  if (word == "continue") return loop_control(line, Flow::kContinue);
  if (word == "print") return print(line);
  if (word == "generation" || word == "block" || word == "autoescape") {
    return scoped_block(line, word);
  }
  if (word == "include" || word == "import" || word == "from" || word == "extends") {
    syntax_fault(line, "{% " + word + " %}: a chat template stands alone, there are no others");
  }
  syntax_fault(line, "unknown tag '" + word + "'");
}

const Statement* StatementParser::if_block(int line) {
  std::vector<If::Branch> branches;
  const Expression* condition = expressions_.tuple();
  end_of_tag();
  for (;;) {
    branches.push_back({condition, body({"elif", "else", "endif"})});
    const std::string word = tokens_.next().text;
    if (word == "endif") break;
    condition = word == "elif" ? expressions_.tuple() : nullptr;
    end_of_tag();
    if (word == "elif") continue;
    branches.push_back({nullptr, body({"endif"})});
    tokens_.next();
    break;
  }
  end_of_tag();
  return state_.program.make<If>(line, std::move(branches));
}

const Statement* StatementParser::for_loop(int line) {
  ForSpec spec;
  spec.target = target(false);
  if (!tokens_.skip_name("in")) tokens_.fail("'in'");
  spec.iterable = expressions_.tuple(false);
  if (tokens_.skip_name("if")) spec.condition = expressions_.expression();
  spec.recursive = tokens_.skip_name("recursive");
  end_of_tag();
  {
    const MarkScope mark(state_.uses_loop);
    ++loops_;
    spec.body = body({"else", "endfor"});
    --loops_;
    if (state_.uses_loop || spec.recursive) spec.loop = state_.program.name_id("loop");
  }
  if (tokens_.next().text == "else") {
    end_of_tag();
    spec.otherwise = body({"endfor"});
    tokens_.next();
  }
  end_of_tag();
  return state_.program.make<For>(line, std::move(spec));
}

const Statement* StatementParser::loop_control(int line, Flow flow) {
  if (loops_ == 0) syntax_fault(line, "break and continue belong into a loop");
  end_of_tag();
  return state_.program.make<LoopControl>(line, flow);
}

const Statement* StatementParser::set(int line) {
  Target to = target(true);
  if (tokens_.skip_symbol("=")) {
    const Expression* value = expressions_.tuple();
    end_of_tag();
    return state_.program.make<Set>(line, std::move(to), value);
  }
  const Expression* filter = nullptr;
  if (tokens_.skip_symbol("|")) filter = expressions_.block_filters();
  end_of_tag();
  Body inside = body_and_end("endset");
  return state_.program.make<CaptureBlock>(line, std::move(to), filter, std::move(inside));
}

const Statement* StatementParser::filter_block(int line) {
  const Expression* filter = expressions_.block_filters();
  end_of_tag();
  Body inside = body_and_end("endfilter");
  return state_.program.make<CaptureBlock>(line, Target(), filter, std::move(inside));
}

const Statement* StatementParser::macro(int line) {
  MacroSpec spec;
  spec.name = tokens_.expect_name();
  const NameId id = state_.program.name_id(spec.name);
  spec.parameters = parameters();
  end_of_tag();
  macro_body(spec, "endmacro");
  return state_.program.make<DefineMacro>(line, id, std::move(spec));
}

const Statement* StatementParser::call_block(int line) {
  MacroSpec spec;
  spec.name = "caller";
  if (tokens_.at_symbol("(")) spec.parameters = parameters();
  const auto* called = dynamic_cast<const Call*>(expressions_.expression());
  if (called == nullptr) syntax_fault(line, "{% call %} needs a call");
  end_of_tag();
  macro_body(spec, "endcall");
  return state_.program.make<CallBlock>(line, called, std::move(spec));
}

std::vector<MacroSpec::Parameter> StatementParser::parameters() {
  std::vector<MacroSpec::Parameter> all;
  tokens_.expect_symbol("(");
  while (!tokens_.at_symbol(")")) {
    MacroSpec::Parameter parameter;
    parameter.name = tokens_.expect_name();
    parameter.id = state_.program.name_id(parameter.name);
    if (tokens_.skip_symbol("=")) {
      parameter.fallback = expressions_.expression();
    } else if (!all.empty() && all.back().fallback != nullptr) {
      tokens_.fail("a default, since an earlier parameter has one");
    }
    all.push_back(std::move(parameter));
    if (!tokens_.skip_symbol(",")) break;
  }
  tokens_.expect_symbol(")");
  return all;
}

void StatementParser::macro_body(MacroSpec& spec, std::string_view end) {
  const MarkScope caller(state_.uses_caller, true);
  const MarkScope varargs(state_.uses_varargs, true);
  const MarkScope kwargs(state_.uses_kwargs, true);
  const int loops = std::exchange(loops_, 0);
  spec.body = body_and_end(end);
  loops_ = loops;
  const auto is_parameter = [&](std::string_view name) {
    return std::ranges::any_of(spec.parameters, [&](const auto& p) { return p.name == name; });
  };
  internal::Program& program = state_.program;
  if (state_.uses_caller && !is_parameter("caller")) spec.caller = program.name_id("caller");
  if (state_.uses_varargs && !is_parameter("varargs")) spec.varargs = program.name_id("varargs");
  if (state_.uses_kwargs && !is_parameter("kwargs")) spec.kwargs = program.name_id("kwargs");
}

const Statement* StatementParser::with(int line) {
  Block::Variables variables;
  while (!tokens_.at(TokenKind::kBlockEnd)) {
    Target to = one_target(false);
    tokens_.expect_symbol("=");
    variables.emplace_back(std::move(to), expressions_.expression());
    if (!tokens_.skip_symbol(",")) break;
  }
  end_of_tag();
  Body inside = body_and_end("endwith");
  return state_.program.make<Block>(line, std::move(variables), std::move(inside));
}

const Statement* StatementParser::scoped_block(int line, std::string_view word) {
  // A block's name and autoescape's switch change nothing here: there is no inheritance, and text
  // of prompts is never escaped.
  while (word != "generation" && !tokens_.at(TokenKind::kBlockEnd)) expressions_.primary();
  end_of_tag();
  const std::string end = "end" + std::string(word);
  Body inside = body({end});
  tokens_.next();
  if (word == "block" && tokens_.at(TokenKind::kName)) tokens_.next();
  end_of_tag();
  return state_.program.make<Block>(line, Block::Variables(), std::move(inside));
}

const Statement* StatementParser::print(int line) {
  std::vector<const Expression*> values = {expressions_.expression()};
  while (tokens_.skip_symbol(",")) values.push_back(expressions_.expression());
  end_of_tag();
  if (values.size() == 1) return state_.program.make<Print>(line, values[0]);
  const auto* joined = state_.program.make<Concatenation>(line, std::move(values));
  return state_.program.make<Print>(line, joined);
}

Target StatementParser::one_target(bool with_attributes) {
  if (tokens_.skip_symbol("(")) {
    Target inner = target(with_attributes);
    tokens_.expect_symbol(")");
    return inner;
  }
  Target to;
  const int line = tokens_.peek().line;
  const std::string name = tokens_.expect_name();
  for (const std::string_view word : {"true", "false", "none", "True", "False", "None"}) {
    if (name == word) syntax_fault(line, "cannot assign to '" + name + "'");
  }
  to.name = state_.program.name_id(name);
  if (with_attributes && tokens_.skip_symbol(".")) to.attribute = tokens_.expect_name();
  return to;
}

Target StatementParser::target(bool with_attributes) {
  const NestingGuard guard(state_);
  Target first = one_target(with_attributes);
  if (!tokens_.at_symbol(",")) return first;
  Target all;
  all.several.push_back(std::move(first));
  while (tokens_.skip_symbol(",")) {
    if (!tokens_.at(TokenKind::kName) && !tokens_.at_symbol("(")) break;
    if (tokens_.at_name("in")) break;
    all.several.push_back(one_target(with_attributes));
  }
  return all;
}

}  // namespace chasqui::jinja
