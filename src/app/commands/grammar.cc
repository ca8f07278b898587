// chasqui grammar: constraints followed over given texts, to count what they accept and to measure
// masks (part of the parity commands: docs/contracts/parity.md).

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "app/commands/command.h"
#include "app/json_io.h"
#include "grammar/matcher.h"

namespace chasqui::app {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

// Compilations of a case with --bench; the fastest counts, for the others were disturbed.
constexpr int kBenchRounds = 5;

struct GrammarArgs {
  std::string model;
  std::string input;
  bool bench = false;
};

double us_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// Times in microseconds.
struct Times {
  std::vector<double> all;

  json::object summary() const {
    if (all.empty()) return {};
    std::vector<double> sorted = all;
    std::ranges::sort(sorted);
    double sum = 0.0;
    for (const double time : sorted) sum += time;
    const auto at = [&](double share) {
      return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
    };
    return {{"mean", sum / static_cast<double>(sorted.size())},
            {"p50", at(0.5)},
            {"p99", at(0.99)},
            {"max", sorted.back()}};
  }
};

struct Totals {
  Times compile;
  Times masks;
  int64_t cases = 0;
  int64_t compiled = 0;
  int64_t tokens = 0;
  int64_t wrongly_accepted = 0;
  int64_t wrongly_rejected = 0;
};

class Runner {
 public:
  Runner(std::shared_ptr<const text::Tokenizer> tokenizer, bool bench)
      : tokenizer_(std::move(tokenizer)),
        table_(grammar::TokenTable::build(*tokenizer_)),
        bench_(bench) {}

  Status run_case(const json::value& item) {
    const std::string where = fmt::format("case {}", totals_.cases++);
    if (!item.is_object()) return fail(ErrorCode::kInvalidArgument, where + " is no object");
    const json::object& object = item.get_object();
    CHASQUI_TRY_STATUS(check_case(object, where));
    json::object out = {{"name", object.contains("name") ? object.at("name") : json::value("")}};
    auto start = Clock::now();
    auto compiled = compile(object);
    double compile_us = us_since(start);
    for (int round = 1; bench_ && round < kBenchRounds; ++round) {
      start = Clock::now();
      compiled = compile(object);
      compile_us = std::min(compile_us, us_since(start));
    }
    out["compiled"] = compiled.has_value();
    if (!compiled) out["reason"] = compiled.error().message;
    out["compile_us"] = compile_us;
    if (compiled) {
      ++totals_.compiled;
      totals_.compile.all.push_back(compile_us);
      CHASQUI_TRY_STATUS(run_tests(*compiled, object, where, out));
    }
    print_json(out);
    return {};
  }

  void print_summary() const {
    print_json(json::object{{"summary", true},
                            {"cases", totals_.cases},
                            {"compiled", totals_.compiled},
                            {"refused", totals_.cases - totals_.compiled},
                            {"wrongly_accepted", totals_.wrongly_accepted},
                            {"wrongly_rejected", totals_.wrongly_rejected},
                            {"tokens", totals_.tokens},
                            {"mask_us", totals_.masks.summary()},
                            {"compile_us", totals_.compile.summary()}});
  }

 private:
  // A case that says nothing is a mistake in the input, not a grammar that is refused.
  static Status check_case(const json::object& item, const std::string& where) {
    const auto is_text = [](const json::value& value) { return value.is_string(); };
    const auto bad = [&](std::string_view what) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("{} {}", where, what));
    };
    if (item.contains("schema")) return {};
    for (const char* key : {"gbnf", "regex"}) {
      const json::value* value = item.if_contains(key);
      if (value == nullptr) continue;
      return is_text(*value) ? Status() : bad(fmt::format("has a {} that is no string", key));
    }
    const json::value* choice = item.if_contains("choice");
    if (choice == nullptr) return bad("has no schema, gbnf, regex or choice");
    if (choice->is_array() && std::ranges::all_of(choice->get_array(), is_text)) return {};
    return bad("has a choice that is no list of strings");
  }

  // REQUIRES: check_case() has passed.
  Result<grammar::GrammarPtr> compile(const json::object& item) const {
    if (const json::value* schema = item.if_contains("schema")) {
      return grammar::compile_json_schema(*schema, table_);
    }
    if (const json::value* gbnf = item.if_contains("gbnf")) {
      return grammar::compile_gbnf(gbnf->get_string(), table_);
    }
    if (const json::value* regex = item.if_contains("regex")) {
      return grammar::compile_regex(regex->get_string(), table_);
    }
    std::vector<std::string> texts;
    for (const json::value& text : item.at("choice").get_array()) {
      texts.emplace_back(text.get_string());
    }
    return grammar::compile_choice(texts, table_);
  }

  Status run_tests(const grammar::GrammarPtr& compiled, const json::object& item,
                   const std::string& where, json::object& out) {
    json::array accepted;
    Times masks;
    const json::value* tests = item.if_contains("tests");
    for (const json::value& test :
         tests != nullptr && tests->is_array() ? tests->get_array() : json::array()) {
      CHASQUI_TRY(const std::string text, test_text(test, where));
      CHASQUI_TRY(const bool accepts, follow(compiled, text, masks));
      accepted.emplace_back(accepts);
      const json::value* valid = test.get_object().if_contains("valid");
      if (valid == nullptr || !valid->is_bool()) continue;
      totals_.wrongly_accepted += accepts && !valid->get_bool();
      totals_.wrongly_rejected += !accepts && valid->get_bool();
    }
    totals_.tokens += static_cast<int64_t>(masks.all.size());
    out["accepted"] = accepted;
    out["mask_us"] = masks.summary();
    out["tokens"] = masks.all.size();
    totals_.masks.all.insert(totals_.masks.all.end(), masks.all.begin(), masks.all.end());
    return {};
  }

  static Result<std::string> test_text(const json::value& test, const std::string& where) {
    if (test.is_object()) {
      const json::value* text = test.get_object().if_contains("text");
      if (text != nullptr && text->is_string()) return std::string(text->get_string());
      if (const json::value* data = test.get_object().if_contains("data"))
        return spaced_json(*data);
    }
    return fail(ErrorCode::kInvalidArgument, where + ": a test needs \"data\" or \"text\"");
  }

  // Whether every token of the text, and then the end, is in its mask.
  Result<bool> follow(const grammar::GrammarPtr& compiled, const std::string& text, Times& masks) {
    grammar::Matcher matcher(compiled);
    grammar::TokenMask mask;
    const auto compute = [&] {
      const auto start = Clock::now();
      matcher.mask(mask);
      masks.all.push_back(us_since(start));
    };
    for (const int32_t token : tokens_of(text)) {
      compute();
      const bool is_allowed = mask.has(token);
      if (is_allowed != matcher.accept(token)) {
        return fail(ErrorCode::kInternal,
                    fmt::format("mask and matcher differ on token {}", token));
      }
      if (!is_allowed) return false;
    }
    compute();
    return matcher.is_complete();
  }

  // As the model's tokenizer splits it, without a space that it puts before texts.
  std::vector<int32_t> tokens_of(const std::string& text) const {
    std::vector<int32_t> tokens = tokenizer_->encode(text, {.add_special = false});
    if (joined(tokens) == text) return tokens;
    if (!tokens.empty() && joined(tokens) == " " + text) {
      const std::string first(table_->piece(tokens[0]));
      if (auto head = table_->split(std::string_view(first).substr(1))) {
        head->insert(head->end(), tokens.begin() + 1, tokens.end());
        return *head;
      }
    }
    return table_->split(text).value_or(std::vector<int32_t>{-1});
  }

  std::string joined(const std::vector<int32_t>& tokens) const {
    std::string text;
    for (const int32_t token : tokens) text += table_->piece(token);
    return text;
  }

  std::shared_ptr<const text::Tokenizer> tokenizer_;
  grammar::TokenTablePtr table_;
  bool bench_;
  Totals totals_;
};

// One document with an array, or a line for each case.
Result<json::array> read_cases(const std::string& path) {
  CHASQUI_TRY(const std::string text, read_input(path));
  json::array cases;
  size_t at = text.find_first_not_of(" \t\r\n");
  const bool is_array = at != std::string::npos && text[at] == '[';
  json::parse_options options;
  options.max_depth = 1000;
  json::error_code error;
  for (size_t number = 1; at < text.size(); ++number) {
    const size_t end = is_array ? text.size() : std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    json::value value = json::parse(line, error, {}, options);
    if (error) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("line {} of the input is not JSON: {}", number, error.message()));
    }
    if (is_array) return value.get_array();
    cases.push_back(std::move(value));
  }
  return cases;
}

Status run_grammar(const GrammarArgs& args) {
  CHASQUI_TRY(const gguf::File file, gguf::File::open(args.model));
  CHASQUI_TRY(auto tokenizer, text::Tokenizer::load(file));
  CHASQUI_TRY(const json::array cases, read_cases(args.input));
  Runner runner(std::move(tokenizer), args.bench);
  for (const json::value& item : cases) CHASQUI_TRY_STATUS(runner.run_case(item));
  runner.print_summary();
  return {};
}

}  // namespace

Action declare_grammar(CLI::App& parser) {
  auto args = std::make_shared<GrammarArgs>();
  parser.add_option("MODEL", args->model, "GGUF file; its vocabulary is enough")->required();
  parser.add_option("--input", args->input, "cases, JSON lines or an array; a file or -")
      ->required();
  parser.add_flag("--bench", args->bench, "compile each case five times and report the fastest");
  return [args] { return run_grammar(*args); };
}

}  // namespace chasqui::app
