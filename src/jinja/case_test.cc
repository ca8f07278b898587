// Runs the templates of tests/jinja_cases; the README there says how they are written.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "chat/json_value.h"
#include "jinja/template.h"
#include "support/source_dir.h"

namespace fs = std::filesystem;

namespace chasqui::jinja {
namespace {

struct Case {
  std::string name;
  std::string source;
  std::string outcome;  // "text", or "error KIND LINE"
  std::string expected;
};

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string{std::istreambuf_iterator<char>(in), {}};
}

fs::path folder() {
  return chasqui::testing::source_dir() / "tests" / "jinja_cases";
}

std::vector<Case> read_cases(const fs::path& file) {
  std::vector<Case> cases;
  std::istringstream lines(read_file(file));
  std::string* text = nullptr;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("=== ")) {
      cases.push_back({line.substr(4), "", "", ""});
      text = &cases.back().source;
    } else if (line.starts_with("--- ") && text == &cases.back().source) {
      cases.back().outcome = line.substr(4);
      text = &cases.back().expected;
    } else {
      *text += line + "\n";
    }
  }
  for (Case& each : cases) {
    if (!each.source.empty()) each.source.pop_back();
    if (!each.expected.empty()) each.expected.pop_back();
  }
  return cases;
}

Variables context() {
  const Value all =
      chat::value_from_json_text(read_file(folder() / "context.json"), Origin::kCaller);
  EXPECT_TRUE(all.is(Kind::kDict)) << "context.json is no object";
  Variables variables;
  for (const auto& [name, value] : all.as_dict().entries()) {
    variables.emplace_back(name.view(), value);
  }
  for (const char* name : {"tools", "documents"}) variables.emplace_back(name, Value::none());
  return variables;
}

TemplateResult<Text> render(const std::string& source, const Variables& variables) {
  const auto compiled = Template::compile(source);
  if (!compiled) return tl::unexpected<TemplateError>(compiled.error());
  RenderOptions options;
  options.now = std::tm{};
  options.now->tm_year = 126;
  options.now->tm_mon = 10;
  options.now->tm_mday = 22;
  options.now->tm_hour = 10;
  options.now->tm_min = 30;
  options.now->tm_wday = 0;
  options.now->tm_yday = 325;
  return compiled->render(variables, options);
}

std::string outcome_of(const TemplateError& error) {
  constexpr std::array<const char*, 6> kKinds = {"syntax", "raised", "undefined",
                                                 "type",   "unsafe", "limit"};
  return std::string("error ") + kKinds[static_cast<size_t>(error.kind)] + " " +
         std::to_string(error.line);
}

TEST(JinjaCases, RenderAsWritten) {
  const Variables variables = context();
  int count = 0;
  for (const auto& file : fs::directory_iterator(folder())) {
    if (file.path().extension() != ".case") continue;
    for (const Case& each : read_cases(file.path())) {
      const std::string where = file.path().filename().string() + ": " + each.name;
      ++count;
      const auto rendered = render(each.source, variables);
      if (rendered) {
        EXPECT_EQ(each.outcome, "text") << where << " rendered: " << rendered->bytes();
        EXPECT_EQ(rendered->bytes(), each.expected) << where;
        continue;
      }
      EXPECT_EQ(outcome_of(rendered.error()), each.outcome)
          << where << ": " << rendered.error().reason;
      EXPECT_NE(rendered.error().reason.find(each.expected), std::string::npos)
          << where << ": " << rendered.error().reason;
    }
  }
  EXPECT_GT(count, 100);
}

}  // namespace
}  // namespace chasqui::jinja
