#include <fmt/format.h>

#include "api/internal/tools.h"
#include "grammar/layout.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using grammar::Layout;
using Kind = Layout::Kind;

// Arguments are an object also where the schema does not say so.
json::value schema_of(const chat::Tool& tool) {
  json::object schema = tool.parameters;
  if (!schema.contains("type")) schema["type"] = "object";
  return schema;
}

Layout one_call(const ToolWishes& wishes, const chat::CallFraming& framing) {
  std::vector<Layout> ways;
  for (size_t i = 0; i < wishes.tools->size(); ++i) {
    const chat::Tool& tool = (*wishes.tools)[i];
    if (!wishes.forced_name.empty() && tool.name != wishes.forced_name) continue;
    std::string words =
        fmt::format("{}{}{}", framing.before_name, tool.name, framing.before_arguments);
    const std::string param = wishes.old_style ? fmt::format("functions[{}].parameters", i)
                                               : fmt::format("tools[{}].function.parameters", i);
    ways.push_back(Layout::of(
        Kind::kSequence, {Layout::words(std::move(words)), Layout::json(schema_of(tool), param),
                          Layout::words(std::string(framing.after_arguments))}));
  }
  return Layout::of(Kind::kChoice, std::move(ways));
}

}  // namespace

Constraint call_constraint(const ToolWishes& wishes, const chat::ToolDialect& dialect) {
  const chat::CallFraming& framing = dialect.framing;
  std::vector<Layout> parts = {Layout::words(std::string(framing.open)), one_call(wishes, framing)};
  if (wishes.parallel && wishes.forced_name.empty()) {
    const Layout further = Layout::of(
        Kind::kSequence, {Layout::words(std::string(framing.between)), one_call(wishes, framing)});
    parts.push_back(
        Layout::of(Kind::kChoice, {Layout::words(""), Layout::of(Kind::kMany, {further})}));
  }
  parts.push_back(Layout::words(std::string(framing.close)));
  Constraint constraint = {.kind = Constraint::Kind::kLayout, .param = "tools"};
  constraint.layout = Layout::of(Kind::kSequence, std::move(parts));
  return constraint;
}

namespace {

class FirstCallFilter final : public sample::TokenFilter {
 public:
  FirstCallFilter(std::shared_ptr<sample::TokenFilter> inner, chat::OutputStyle style,
                  std::shared_ptr<const text::Tokenizer> tokenizer)
      : inner_(std::move(inner)), tokenizer_(std::move(tokenizer)), parser_(std::move(style)) {}

  void apply(std::span<float> logits) override {
    if (inner_) inner_->apply(logits);
  }
  void accept(int32_t token) override {
    if (inner_) inner_->accept(token);
    chat::OutputEvents unused;
    parser_.push(tokenizer_->piece(token, true), unused);
  }
  int32_t forced() override { return inner_ ? inner_->forced() : -1; }
  bool is_prepared() override { return !inner_ || inner_->is_prepared(); }
  void prepare() override {
    if (inner_) inner_->prepare();
  }
  bool finished() override { return parser_.calls_ended() > 0 || (inner_ && inner_->finished()); }

 private:
  const std::shared_ptr<sample::TokenFilter> inner_;
  const std::shared_ptr<const text::Tokenizer> tokenizer_;
  chat::OutputParser parser_;
};

}  // namespace

std::shared_ptr<sample::TokenFilter> make_first_call_filter(
    std::shared_ptr<sample::TokenFilter> inner, chat::OutputStyle style,
    std::shared_ptr<const text::Tokenizer> tokenizer) {
  return std::make_shared<FirstCallFilter>(std::move(inner), std::move(style),
                                           std::move(tokenizer));
}

}  // namespace chasqui::api
