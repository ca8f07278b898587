// Sends the exchanges of tests/api_cases and compares the answers; the README there says how they
// are written.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "api/internal/test_server.h"
#include "support/golden.h"
#include "support/source_dir.h"

namespace json = boost::json;
namespace fs = std::filesystem;

namespace chasqui::api {
namespace {

struct Case {
  std::string name;
  std::string method;
  std::string path;
  std::string body;
  int status = 0;
  std::string expected;
};

std::vector<Case> read_cases(const fs::path& file) {
  std::vector<Case> cases;
  std::istringstream lines(chasqui::testing::read_file(file));
  std::string* text = nullptr;  // where body lines go
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#') || (line.empty() && text == nullptr)) continue;
    if (line.starts_with("=== ")) {
      cases.push_back({line.substr(4), "", "", "", 0, ""});
      text = nullptr;
    } else if (cases.empty()) {
      throw std::runtime_error(file.string() + ": text before the first ===");
    } else if (line.starts_with("--- ")) {
      cases.back().status = std::stoi(line.substr(4));
      text = &cases.back().expected;
    } else if (text == nullptr) {
      const size_t space = line.find(' ');
      cases.back().method = line.substr(0, space);
      cases.back().path = line.substr(space + 1);
      text = &cases.back().body;
    } else {
      *text += line + "\n";
    }
  }
  return cases;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \n") == std::string_view::npos;
}

// "" when `actual` holds all that `expected` asks for, else where they differ.
std::string difference(const json::value& expected, const json::value& actual,
                       const std::string& path) {
  if (const json::string* text = expected.if_string()) {
    if (*text == "*") return "";
    if (text->starts_with('~') && actual.is_string()) {
      const bool found = actual.get_string().find(text->subview(1)) != json::string::npos;
      return found ? "" : path + " is " + json::serialize(actual);
    }
  }
  if (expected.is_object() && actual.is_object()) {
    for (const auto& [key, value] : expected.get_object()) {
      const json::value* found = actual.get_object().if_contains(key);
      const std::string inner = path + "." + std::string(key);
      if (found == nullptr) return inner + " is missing";
      if (std::string diff = difference(value, *found, inner); !diff.empty()) return diff;
    }
    return "";
  }
  if (expected.is_array() && actual.is_array()) {
    const json::array &left = expected.get_array(), &right = actual.get_array();
    if (left.size() != right.size()) return path + " has " + std::to_string(right.size());
    for (size_t i = 0; i < left.size(); ++i) {
      const std::string inner = path + "[" + std::to_string(i) + "]";
      if (std::string diff = difference(left[i], right[i], inner); !diff.empty()) return diff;
    }
    return "";
  }
  return expected == actual ? "" : path + " is " + json::serialize(actual);
}

TEST(Cases, Difference) {
  const auto diff = [](const char* expected, const char* actual) {
    return difference(json::parse(expected), json::parse(actual), "");
  };
  EXPECT_EQ(diff(R"({"a":"~bc","d":"*","e":[1]})", R"({"a":"abcd","d":null,"e":[1],"f":2})"), "");
  EXPECT_EQ(diff(R"({"a":"~x"})", R"({"a":"b"})"), ".a is \"b\"");
  EXPECT_EQ(diff(R"({"a":1})", "{}"), ".a is missing");
  EXPECT_EQ(diff("[1,2]", "[1]"), " has 1");
  EXPECT_EQ(diff(R"([{"a":1}])", R"([{"a":2}])"), "[0].a is 2");
  EXPECT_NE(diff("1", "\"1\""), "");
}

TEST(Cases, AnswerAsWritten) {
  const fs::path folder = chasqui::testing::source_dir() / "tests" / "api_cases";
  const testing::TestServer server;
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".case") continue;
    for (const Case& each : read_cases(entry.path())) {
      SCOPED_TRACE(entry.path().filename().string() + ": " + each.name);
      const testing::Reply reply =
          server.request(each.method, each.path, is_blank(each.body) ? "" : each.body);
      EXPECT_EQ(reply.status, each.status) << reply.body;
      ++count;
      if (is_blank(each.expected) || reply.status != each.status) continue;
      EXPECT_EQ(difference(json::parse(each.expected), reply.json(), ""), "") << reply.body;
    }
  }
  EXPECT_GE(count, 40u);
}

}  // namespace
}  // namespace chasqui::api
