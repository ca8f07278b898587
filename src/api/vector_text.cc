#include "api/internal/vector_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>

namespace chasqui::api {

Result<std::vector<float>> unit_vector(std::span<const float> vector, size_t keep) {
  const std::span<const float> kept = vector.first(std::min(keep, vector.size()));
  double squares = 0.0;
  for (const float value : kept) squares += static_cast<double>(value) * value;
  if (!std::isfinite(squares)) {
    return fail(ErrorCode::kInternal, "the model's embedding holds values that are not numbers");
  }
  const double scale = squares > 0.0 ? 1.0 / std::sqrt(squares) : 0.0;
  std::vector<float> out;
  out.reserve(kept.size());
  for (const float value : kept) out.push_back(static_cast<float>(value * scale));
  return out;
}

Result<double> log_odds(std::span<const float> outputs) {
  double odds = outputs.empty() ? std::nan("") : static_cast<double>(outputs[0]);
  if (outputs.size() > 1) {
    const std::span<const float> others = outputs.subspan(1);
    const auto most = static_cast<double>(std::ranges::max(others));
    double sum = 0.0;
    for (const float other : others) sum += std::exp(static_cast<double>(other) - most);
    odds -= most + std::log(sum);
  }
  if (std::isfinite(odds)) return odds;
  return fail(ErrorCode::kInternal, "the model's ranking is not a number");
}

double sigmoid(double log_odds) {
  return 1.0 / (1.0 + std::exp(-log_odds));
}

std::string vector_json(std::span<const float> vector) {
  std::string out = "[";
  for (size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) out += ',';
    fmt::format_to(std::back_inserter(out), "{}", vector[i]);
  }
  out += ']';
  return out;
}

std::string vector_base64(std::span<const float> vector) {
  std::vector<unsigned char> bytes;
  bytes.reserve(vector.size() * sizeof(float));
  for (const float value : vector) {
    const auto bits = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) {
      bytes.push_back(static_cast<unsigned char>(bits >> shift));
    }
  }
  return '"' + encode_base64(bytes) + '"';
}

std::string encode_base64(std::span<const unsigned char> bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t have = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < have ? bytes[i + k] : 0u);
    for (size_t k = 0; k < 4; ++k) {
      out += k <= have ? kDigits[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return out;
}

}  // namespace chasqui::api
