// A text as runs of tokens of equal length, each read by a model from an empty context: how
// perplexity and importance matrices are measured.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace chasqui::app {

struct ChunkOptions {
  int64_t tokens = 512;        // of one chunk; at least 2
  int64_t most = 0;            // chunks; 0: as many as there are
  bool parse_special = false;  // control tokens spelled in the text count as such
};

// A rest that fills no chunk is dropped. Where the model's texts begin with BOS, every chunk does,
// in place of its first token.
class TextChunks {
 public:
  // kNotFound, kIo; kInvalidArgument when the text has not enough tokens for one chunk.
  static Result<TextChunks> read(const std::string& path, const text::Tokenizer& tokenizer,
                                 const ChunkOptions& options);

  int64_t count() const { return static_cast<int64_t>(tokens_.size()) / length_; }
  int64_t length() const { return length_; }
  std::span<const int32_t> chunk(int64_t index) const {
    return std::span(tokens_).subspan(static_cast<size_t>(index * length_),
                                      static_cast<size_t>(length_));
  }

  // Logs that chunks are longer than what `model` was trained with.
  void warn_beyond(int64_t trained, const std::string& model) const;

 private:
  int64_t length_ = 0;
  std::vector<int32_t> tokens_;  // whole chunks
};

}  // namespace chasqui::app
