// Held and forced calls in every dialect, by models that would rather write something else: random
// walks through the grammar, read back by the dialect's own parser.
#include <gmock/gmock.h>

#include <algorithm>
#include <deque>
#include <set>

#include "api/internal/tools.h"
#include "base/check.h"
#include "base/rng.h"
#include "grammar/matcher.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using chat::OutputEvent;
using chat::OutputEvents;
using chat::OutputStyle;
using grammar::Matcher;
using grammar::TokenMask;
using grammar::TokenTable;
using grammar::TokenTablePtr;

// "strict_one" is strict, "other" is not.
ToolWishes wishes_of(bool parallel) {
  const json::object schema = json::parse(R"({"type": "object", "additionalProperties": false,
      "properties": {"n": {"enum": [1, 2]}, "s": {"type": "string", "maxLength": 3}},
      "required": ["n", "s"]})")
                                  .as_object();
  ToolWishes wishes;
  wishes.tools = std::make_shared<const chat::Tools>(
      chat::Tools{{"strict_one", "", schema, true}, {"other", "", schema, false}});
  wishes.parallel = parallel;
  return wishes;
}

bool fits(const json::value& value) {
  const json::object* object = value.if_object();
  if (object == nullptr || object->size() != 2) return false;
  const json::value* n = object->if_contains("n");
  const json::value* s = object->if_contains("s");
  return n != nullptr && (*n == 1 || *n == 2) && s != nullptr && s->is_string() &&
         s->get_string().size() <= 12;
}

// What stands in brackets in the texts that a dialect is made of.
std::vector<std::string> marks_of(const OutputStyle& style) {
  const chat::CallFraming& framing = style.dialect->framing;
  std::vector<std::string_view> texts(style.dialect->openers.begin(), style.dialect->openers.end());
  texts.insert(texts.end(), {framing.open, framing.before_name, framing.before_arguments,
                             framing.after_arguments, framing.between, framing.close,
                             style.think.open, style.think.close, "<|message|><|end|>"});
  std::vector<std::string> marks;
  for (const std::string_view text : texts) {
    for (size_t at = 0; at < text.size(); ++at) {
      const char close = text[at] == '<' ? '>' : ']';
      const size_t end = text.find(close, at);
      if ((text[at] != '<' && text[at] != '[') || end > text.size() || end < at + 3) continue;
      marks.emplace_back(text.substr(at, end + 1 - at));
    }
  }
  std::ranges::sort(marks);
  marks.erase(std::ranges::unique(marks).begin(), marks.end());
  return marks;
}

// Bytes, some longer tokens, the dialect's marks as control tokens where `has_marks`, and an end.
class Vocabulary {
 public:
  Vocabulary(const OutputStyle& style, bool has_marks) {
    for (int byte = 0; byte < 256; ++byte) spellings_.emplace_back(1, static_cast<char>(byte));
    for (const char* text : {"{\"", "\": ", "}}", "<t", ">\n{", "\"}", ", \"", "l>", "all"}) {
      spellings_.emplace_back(text);
    }
    std::vector<std::string> pieces = spellings_;
    TokenTable::Names marks;
    for (const std::string& mark : has_marks ? marks_of(style) : std::vector<std::string>()) {
      marks.emplace(mark, static_cast<int32_t>(spellings_.size()));
      spellings_.push_back(mark);
      pieces.emplace_back();
    }
    end_ = static_cast<int32_t>(pieces.size());
    pieces.emplace_back();
    spellings_.emplace_back();
    table_ = TokenTable::build(std::move(pieces), {end_}, {}, std::move(marks));
  }

  const TokenTablePtr& table() const { return table_; }
  const std::string& spelling(int32_t token) const {
    return spellings_[static_cast<size_t>(token)];
  }
  int32_t end() const { return end_; }
  // Into control tokens and bytes.
  std::deque<int32_t> tokens_of(std::string_view text) const {
    std::deque<int32_t> tokens;
    while (!text.empty()) {
      int32_t best = static_cast<uint8_t>(text.front());
      for (const auto& [mark, token] : table_->marks()) {
        if (text.starts_with(mark) && mark.size() > spelling(best).size()) best = token;
      }
      tokens.push_back(best);
      text.remove_prefix(spelling(best).size());
    }
    return tokens;
  }

 private:
  std::vector<std::string> spellings_;
  TokenTablePtr table_;
  int32_t end_ = 0;
};

// Writes what it likes where it may, and anything else that is allowed where it may not.
class Stubborn {
 public:
  Stubborn(const Vocabulary& vocabulary, const OutputStyle& style, uint64_t seed)
      : vocabulary_(vocabulary), style_(style), rng_(seed) {}

  // Up to the end; false where that is not reached.
  bool write(Matcher& matcher, std::string& text) {
    TokenMask mask;
    for (int step = 0; step < 600; ++step) {
      if (matcher.is_finished()) return true;
      matcher.mask(mask);
      const int32_t token = choose(mask, step);
      EXPECT_TRUE(matcher.accept(token)) << text;
      if (token == vocabulary_.end()) return true;
      text += vocabulary_.spelling(token);
    }
    return false;
  }

 private:
  std::string wish() {
    const chat::CallFraming& f = style_.dialect->framing;
    const auto openers = style_.dialect->openers;
    const std::string name = rng_.next() % 3 > 0 ? "strict_one" : "other";
    const std::string call = std::string(f.before_name) + name + std::string(f.before_arguments);
    switch (rng_.next() % 10) {
      case 0:
        return style_.dialect->holds_answer
                   ? ":\nWell." + std::string(f.between) + call + "{\"n\": 7}"
                   : "Well, <b>.\n";
      case 1:
        return std::string(openers[rng_.next() % openers.size()]);
      case 2:
        return std::string(f.open) + call + "{\"n\": 7, \"s\": 1}" + std::string(f.after_arguments);
      case 3:
        return std::string(f.open) + "{\"arguments\": {}, \"name\": \"" + name + "\"}";
      case 4:
        return "\n<function=" + name + "><parameter=n>3</parameter></function>";
      case 5:
        return "[" + name + "(n=3)]";
      case 6:
        return name + "\n<|content|>{}";
      case 7:
        return "<|channel|>commentary to=functions." + name + " <|constrain|>json<|message|>{}";
      case 8:
        return "<|channel|>final<|message|>to=functions.strict_one<|message|>{}<|end|>";
      default:
        return std::string(f.close) + std::string(style_.think.open) + "x" +
               std::string(style_.think.close);
    }
  }

  int32_t choose(const TokenMask& mask, int step) {
    if (queue_.empty()) queue_ = vocabulary_.tokens_of(wish());
    const int32_t liked = queue_.front();
    queue_.pop_front();
    if (mask.has(liked)) return liked;
    if (rng_.next() % 2 == 0) queue_.clear();
    // Strings and objects must end some day.
    constexpr std::string_view kClosers = "\"}]";
    for (const char closer : kClosers) {
      if (step % 8 > 2 && mask.has(closer)) return closer;
    }
    const auto first = static_cast<int32_t>(rng_.next() % static_cast<uint64_t>(mask.size()));
    int32_t token = first;
    while (!mask.has(token)) {
      token = (token + 1) % mask.size();
      CHASQUI_CHECK(token != first, "nothing is allowed");
    }
    return token;
  }

  const Vocabulary& vocabulary_;
  const OutputStyle& style_;
  Rng rng_;
  std::deque<int32_t> queue_;
};

struct Call {
  std::string name, arguments;
};

std::vector<Call> read(const OutputStyle& style, std::string_view text) {
  chat::OutputParser parser(style);
  OutputEvents events;
  parser.push(text, events);
  parser.finish(events);
  std::vector<Call> calls;
  for (const OutputEvent& event : events) {
    if (event.kind == OutputEvent::Kind::kCallBegin) calls.push_back({event.text, ""});
    if (event.kind == OutputEvent::Kind::kArguments) calls.back().arguments += event.text;
  }
  return calls;
}

void check(const Call& call, const std::string& text) {
  json::error_code error;
  const json::value arguments = json::parse(call.arguments, error);
  ASSERT_FALSE(error) << text;
  EXPECT_TRUE(arguments.is_object()) << text;
  EXPECT_TRUE(call.name == "other" || fits(arguments)) << text;
}

constexpr uint64_t kWalks = 24;

// How many calls of the strict tool came.
size_t walk(const OutputStyle& style, const Constraint& constraint, const Vocabulary& vocabulary) {
  const auto grammar = grammar::compile_layout(constraint.layout, vocabulary.table());
  EXPECT_TRUE(grammar.has_value());
  size_t held = 0;
  for (uint64_t seed = 0; grammar && seed < kWalks; ++seed) {
    Matcher matcher(*grammar);
    std::string text;
    const bool has_ended = Stubborn(vocabulary, style, seed).write(matcher, text);
    std::vector<Call> calls = read(style, text);
    if (!has_ended && !calls.empty()) calls.pop_back();  // it may be cut
    for (const Call& call : calls) {
      check(call, text);
      held += call.name == "strict_one" ? 1 : 0;
    }
  }
  return held;
}

OutputStyle style_of(const chat::ToolDialect& dialect, const ToolWishes& wishes) {
  OutputStyle style;
  style.dialect = &dialect;
  style.tools = wishes.tools;
  style.holds_calls = holds_calls(wishes);
  return style;
}

TEST(HeldCalls, FitTheirSchemasInEveryDialect) {
  for (const chat::ToolDialect& dialect : chat::tool_dialects()) {
    if (dialect.holds_answer) continue;  // call_formats_test.cc
    SCOPED_TRACE(dialect.name);
    size_t held = 0;
    for (int variant = 0; variant < 12; ++variant) {
      const ToolWishes wishes = wishes_of(variant % 2 == 0);
      OutputStyle style = style_of(dialect, wishes);
      if (variant / 4 > 0 && dialect.headed == nullptr) style.think = {"<think>", "</think>"};
      style.starts_thinking = variant / 4 == 2 && dialect.headed == nullptr;
      ASSERT_TRUE(style.holds_calls);
      held += walk(style, held_calls(wishes, style), Vocabulary(style, variant / 2 % 2 == 0));
    }
    EXPECT_GT(held, 2 * kWalks);
  }
}

TEST(ForcedCalls, FitTheirSchemasInEveryDialect) {
  for (const chat::ToolDialect& dialect : chat::tool_dialects()) {
    SCOPED_TRACE(dialect.name);
    ToolWishes wishes = wishes_of(true);
    wishes.forced = true;
    wishes.forced_name = "strict_one";
    const OutputStyle style = style_of(dialect, wishes);
    for (const bool has_marks : {true, false}) {
      EXPECT_EQ(walk(style, forced_calls(wishes, dialect), Vocabulary(style, has_marks)), kWalks);
    }
  }
}

// The tokens that write `text` are all allowed.
bool allows(const OutputStyle& style, const ToolWishes& wishes, std::string_view text) {
  const Vocabulary vocabulary(style, true);
  Matcher matcher(*grammar::compile_layout(held_calls(wishes, style).layout, vocabulary.table()));
  for (const int32_t token : vocabulary.tokens_of(text)) {
    if (!matcher.accept(token)) return false;
  }
  return matcher.is_complete();
}

TEST(HeldCalls, LeaveWordsAlone) {
  const ToolWishes wishes = wishes_of(true);
  for (const chat::ToolDialect& dialect : chat::tool_dialects()) {
    SCOPED_TRACE(dialect.name);
    OutputStyle style = style_of(dialect, wishes);
    std::string before, answer = "Take [1], {2}: \"strict_one(n=3)\" <b>\n\n";
    if (dialect.name == "functionary-v2") before = "all\n<|content|>";
    if (dialect.headed == nullptr) {
      style.think = {"<think>", "</think>"};
      EXPECT_TRUE(allows(style, wishes, "<think>" + std::string(style.openers()[0]) + "!</think>"));
    }
    EXPECT_TRUE(allows(style, wishes, before + answer));
  }
}

TEST(HeldCalls, WordsMayFollowACallThatIsClosed) {
  const ToolWishes wishes = wishes_of(true);
  const std::string call = R"(<tool_call>
{"name": "strict_one", "arguments": {"n": 1, "s": "x"}}
</tool_call>)";
  const OutputStyle hermes = style_of(*chat::find_dialect("hermes"), wishes);
  EXPECT_TRUE(allows(hermes, wishes, "So: " + call + " and " + call + call + "\nDone."));
  EXPECT_FALSE(
      allows(hermes, wishes, "<tool_call>\n{\"name\": \"strict_one\", \"arguments\": {}}"));
  EXPECT_TRUE(allows(hermes, wishes, R"(<tool_call>
{"name": "other", "arguments": {"what": [null]}}
</tool_call>)"));
}

TEST(LedAnswers, HoldCallsBehindAMessage) {
  const ToolWishes wishes = wishes_of(true);
  const OutputStyle style = style_of(*chat::find_dialect("functionary"), wishes);
  const Constraint constraint = led_answer(wishes, *style.dialect);
  const Vocabulary vocabulary(style, false);
  EXPECT_GT(walk(style, constraint, vocabulary), 0u);
  const auto grammar = *grammar::compile_layout(constraint.layout, vocabulary.table());
  const auto allows = [&](std::string_view text) {
    Matcher matcher(grammar);
    const auto tokens = vocabulary.tokens_of(text);
    const auto accepts = [&](int32_t token) { return matcher.accept(token); };
    return std::ranges::all_of(tokens, accepts) && matcher.is_complete();
  };
  const std::string other = R"(to=functions.other:
{"n": 1, "s": ""})";
  const std::string next = "\nassistant " + other;
  const std::string good[] = {":\nHi\nassistant: " + other, ":\nHi" + next + next,
                              ":\nassistant " + other, " " + other + next, ":\n\n" + other};
  for (const std::string& text : good) EXPECT_TRUE(allows(text)) << text;
  const std::string bad[] = {"Hi" + next, ":\nHi" + next + "\n", " " + other + ":\nHi",
                             ":\nHi\nassistant to=functions.nobody",
                             ":\nassistant to=functions.other:\n{\"n\": 3"};
  for (const std::string& text : bad) EXPECT_FALSE(allows(text)) << text;
}

// Each schema once in a cache's source and in memory, in however many places calls may come.
TEST(ForcedCalls, ShareTheirSchemas) {
  ToolWishes wishes = wishes_of(true);
  wishes.forced = true;
  std::vector<grammar::SchemaText> texts;
  const auto collect = [&](const auto& self, const grammar::Layout& layout) -> void {
    if (layout.schema) texts.push_back(layout.schema);
    for (const grammar::Layout& part : layout.parts) self(self, part);
  };
  collect(collect, led_answer(wishes, *chat::find_dialect("functionary")).layout);
  EXPECT_EQ(texts.size(), 4 * wishes.tools->size());  // the first and further ones, in two places
  EXPECT_EQ(std::set(texts.begin(), texts.end()).size(), wishes.tools->size());
}

TEST(HeldCalls, AreOfStrictToolsUnderAuto) {
  ToolWishes wishes = wishes_of(true);
  EXPECT_TRUE(holds_calls(wishes));
  wishes.forced = true;
  EXPECT_FALSE(holds_calls(wishes));
  wishes = {};
  EXPECT_FALSE(holds_calls(wishes));
  wishes.tools = std::make_shared<const chat::Tools>(chat::Tools{{"f", "", {}, false}});
  EXPECT_FALSE(holds_calls(wishes));
}

}  // namespace
}  // namespace chasqui::api
