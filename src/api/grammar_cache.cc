#include <fmt/format.h>

#include "api/internal/constraint.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using Kind = Constraint::Kind;

// Each part with its length, so that no two layouts have the same source. A schema's text stands
// where it comes first, its number where it comes again.
class LayoutSource {
 public:
  void append(const grammar::Layout& layout) {
    const bool is_schema = layout.kind == grammar::Layout::Kind::kSchema;
    // Errors name the places of schemas, which may differ where the schemas do not.
    source_ += fmt::format("{},{},{},{},{}:", static_cast<int>(layout.kind), layout.parts.size(),
                           layout.marks.size(), layout.may_give_way ? 1 : 0, layout.text.size());
    source_ += layout.text;
    if (is_schema) append_schema(*layout.schema);
    for (const grammar::Layout::Mark& mark : layout.marks) {
      source_ += fmt::format("{}{}:{}", mark.only_first ? 'f' : 'm', mark.text.size(), mark.text);
    }
    for (const grammar::Layout& part : layout.parts) append(part);
  }
  std::string take() { return std::move(source_); }

 private:
  void append_schema(std::string_view text) {
    const auto [known, is_new] = numbers_.emplace(text, numbers_.size());
    source_ +=
        is_new ? fmt::format("s{}:{}", text.size(), text) : fmt::format("#{};", known->second);
  }

  std::string source_ = "l";
  std::unordered_map<std::string_view, size_t> numbers_;  // of schemas
};

std::string source_of(const Constraint& constraint) {
  switch (constraint.kind) {
    case Kind::kGbnf:
      return "g" + constraint.text;
    case Kind::kRegex:
      return "r" + constraint.text;
    case Kind::kChoice:
      return fmt::format("c{}", json::serialize(json::value_from(constraint.choices)));
    case Kind::kSchema:
      return fmt::format("s{}", json::serialize(constraint.schema));
    case Kind::kLayout: {
      LayoutSource source;
      source.append(constraint.layout);
      return source.take();
    }
    default:
      return "o";
  }
}

}  // namespace

GrammarCache::GrammarCache(std::shared_ptr<const text::Tokenizer> tokenizer, size_t most_bytes)
    : tokenizer_(std::move(tokenizer)), most_bytes_(most_bytes) {}

grammar::TokenTablePtr GrammarCache::tokens() {
  std::call_once(tokens_once_, [this] { tokens_ = grammar::TokenTable::build(*tokenizer_); });
  return tokens_;
}

Result<grammar::GrammarPtr> GrammarCache::get(const Constraint& constraint,
                                              grammar::Deadline deadline) {
  if (constraint.kind == Kind::kNone) return grammar::GrammarPtr();
  std::string source = source_of(constraint);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_source_.find(source); found != by_source_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return found->second->grammar;
    }
  }
  auto compiled = compile(constraint, deadline);
  if (!compiled) {
    Error error = compiled.error();
    // A layout has several schemas, and its error says which one is wrong.
    if (error.param.empty()) error.param = constraint.param;
    error.message = fmt::format("{}: {}", error.param, error.message);
    return fail(std::move(error));
  }
  add(std::move(source), *compiled);
  return *compiled;
}

Result<grammar::GrammarPtr> GrammarCache::compile(const Constraint& constraint,
                                                  grammar::Deadline deadline) {
  switch (constraint.kind) {
    case Kind::kGbnf:
      return grammar::compile_gbnf(constraint.text, tokens(), deadline);
    case Kind::kRegex:
      return grammar::compile_regex(constraint.text, tokens(), deadline);
    case Kind::kChoice:
      return grammar::compile_choice(constraint.choices, tokens());
    case Kind::kSchema:
      return grammar::compile_json_schema(constraint.schema, tokens(), deadline);
    case Kind::kLayout:
      return grammar::compile_layout(constraint.layout, tokens(), deadline);
    default:
      return grammar::compile_json_object(tokens());
  }
}

void GrammarCache::add(std::string source, const grammar::GrammarPtr& grammar) {
  const std::lock_guard lock(mutex_);
  if (by_source_.contains(source)) return;  // another request was faster
  entries_.push_front({std::move(source), grammar});
  by_source_.emplace(entries_.front().source, entries_.begin());
  size_t bytes = 0;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    bytes += std::max(kLeastBytes, entry->source.size() + entry->grammar->bytes_held());
    if (bytes <= most_bytes_ || entry == entries_.begin()) {
      ++entry;
      continue;
    }
    by_source_.erase(entry->source);
    entry = entries_.erase(entry);
  }
}

}  // namespace chasqui::api
