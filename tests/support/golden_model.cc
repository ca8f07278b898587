#include "support/golden_model.h"

#include <algorithm>
#include <cmath>

#include "support/golden.h"

namespace chasqui::testing {

std::vector<GoldenModel> golden_models() {
  std::vector<GoldenModel> models;
  const auto golden = golden_dir();
  if (!golden) return models;
  for (const auto& entry : std::filesystem::directory_iterator(*golden / "archs")) {
    models.push_back({entry.path().filename().string(), entry.path() / "model.gguf",
                      read_json(entry.path() / "expected.json").as_object()});
  }
  std::ranges::sort(models, {}, &GoldenModel::name);
  return models;
}

ExpectedLogits expected_logits(const boost::json::object& json, std::string_view suffix_view) {
  const std::string suffix(suffix_view);
  ExpectedLogits expected;
  expected.tokens = numbers<int32_t>(json.at("tokens"));
  expected.positions = numbers<int64_t>(json.at("positions"));
  for (const auto& row : json.at("logits" + suffix).as_array()) {
    expected.logits.push_back(numbers<float>(row));
  }
  expected.greedy = numbers<int32_t>(json.at("greedy" + suffix));
  expected.margins = numbers<float>(json.at("greedy_margins" + suffix));
  expected.logits_after_greedy = numbers<float>(json.at("logits_after_greedy" + suffix));
  expected.n_ctx = json.at("n_ctx").to_number<int64_t>();
  return expected;
}

ExpectedLogits best_logits(const boost::json::object& json) {
  return expected_logits(json, json.at("best_suffix").as_string());
}

double max_difference(std::span<const float> a, std::span<const float> b) {
  double worst = a.size() == b.size() ? 0 : INFINITY;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  return worst;
}

}  // namespace chasqui::testing
