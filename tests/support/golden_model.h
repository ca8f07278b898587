// The models of the golden data and what the reference implementation computed with them. Only for
// tests: errors throw.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui::testing {

struct GoldenModel {
  std::string name;  // of its folder
  std::filesystem::path path;
  boost::json::object json;  // expected.json

  std::string architecture() const { return std::string(json.at("arch").as_string()); }
  std::string kind() const { return std::string(json.at("kind").as_string()); }  // "lm", ...
};

// Those of a folder <golden>/archs, ordered by name; empty where there is no golden data.
std::vector<GoldenModel> golden_models();

// The fields of a language model's expected.json; those with the suffix where the reference rounds.
struct ExpectedLogits {
  std::vector<int32_t> tokens;
  std::vector<int64_t> positions;
  std::vector<std::vector<float>> logits;  // behind each of the positions
  std::vector<int32_t> greedy;
  std::vector<float> margins;
  std::vector<float> logits_after_greedy;
  int64_t n_ctx = 0;
};
ExpectedLogits expected_logits(const boost::json::object& json, std::string_view suffix);
// Of the variant without rounding.
ExpectedLogits best_logits(const boost::json::object& json);

// The largest difference; infinite where the sizes differ.
double max_difference(std::span<const float> a, std::span<const float> b);

}  // namespace chasqui::testing
