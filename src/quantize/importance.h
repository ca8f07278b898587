// Importance matrices: for each weight matrix of a model, how large the values were that its
// columns were multiplied with while the model read some text. Encoders weigh errors by them.
//
// Written and read in llama.cpp's GGUF form: general.type = "imatrix", and for each matrix the
// tensors NAME.in_sum2 (sums of squares, [columns, matrices]) and NAME.counts (how many rows were
// added up, [1, matrices]); a stack of experts has as many matrices as experts. The older .dat form
// is read too.
// Facts: https://github.com/ggml-org/llama.cpp/blob/master/tools/imatrix/imatrix.cpp
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace chasqui::quantize {

// Of one weight matrix or one stack of them.
struct ImportanceSums {
  std::vector<double> squares;  // [matrices, columns]
  std::vector<int64_t> counts;  // [matrices]
};

// What an importance matrix was made of.
struct ImportanceSource {
  std::vector<std::string> datasets;
  uint32_t chunks = 0;
  uint32_t chunk_tokens = 0;
};

// Matrices by the name of their tensor. The file must not exist unless `overwrite`; it appears
// whole or not at all. kIo, kInvalidArgument.
Status write_importance(const std::string& path, bool overwrite, const ImportanceSource& source,
                        const std::map<std::string, ImportanceSums>& matrices);

// Immutable after read().
class Importance {
 public:
  // kNotFound, kIo; kCorrupt names what contradicts what: no importance matrix at all, sizes that
  // do not go together, values that are negative or not finite.
  static Result<Importance> read(const std::string& path);

  const ImportanceSource& source() const { return source_; }
  size_t size() const { return means_.size(); }
  bool has(std::string_view tensor_name) const;

  // Weights for the columns of matrix `index` of `matrices`, 1 on average: what encoders take
  // (QuantType::encode). Empty when nothing was counted for it or nothing but zeros came, and then
  // all columns are the same. kInvalidArgument when the file's matrix has another size.
  Result<std::vector<float>> weights(std::string_view tensor_name, int64_t columns,
                                     int64_t matrices, int64_t index) const;

 private:
  Status read_gguf(const std::string& path);
  Status read_legacy(const std::string& path, std::span<const std::byte> bytes);

  std::string path_;
  ImportanceSource source_;
  // Mean squares, [matrices, columns]; negative where nothing was counted.
  std::map<std::string, std::vector<float>, std::less<>> means_;
};

}  // namespace chasqui::quantize
