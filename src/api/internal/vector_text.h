// Embedding vectors as the API gives them. Pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace chasqui::api {

// The first `keep` numbers of `vector`, scaled to length 1 (a zero vector stays zero).
// kInternal when the model gave something that is no number.
Result<std::vector<float>> unit_vector(std::span<const float> vector, size_t keep);

// What a ranking head says: its outputs are the logits of "relevant" alone, or of "relevant" and
// other labels behind it. The log-odds of "relevant"; kInternal when it is no number.
Result<double> log_odds(std::span<const float> outputs);

// The probability, from 0 to 1.
double sigmoid(double log_odds);

// "[0.1,-0.2]", each number as its shortest decimal.
std::string vector_json(std::span<const float> vector);

// The little-endian 32-bit floats in base64, in quotes.
std::string vector_base64(std::span<const float> vector);

// RFC 4648, with padding.
std::string encode_base64(std::span<const unsigned char> bytes);

}  // namespace chasqui::api
