#include "app/text_chunks.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/mapped_file.h"

namespace chasqui::app {
namespace {

// The tokenizer's own limit.
constexpr size_t kMostBytes = (size_t{1} << 30) - 1;

}  // namespace

Result<TextChunks> TextChunks::read(const std::string& path, const text::Tokenizer& tokenizer,
                                    const ChunkOptions& options) {
  CHASQUI_TRY(const MappedFile file, MappedFile::open(path));
  const auto bytes = file.bytes();
  if (bytes.size() > kMostBytes) {
    return fail(ErrorCode::kInvalidArgument, path + " is larger than 1 GiB; take a part of it");
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  TextChunks out;
  out.length_ = options.tokens;
  out.tokens_ =
      tokenizer.encode(text, {.add_special = true, .parse_special = options.parse_special});
  int64_t count = static_cast<int64_t>(out.tokens_.size()) / options.tokens;
  if (count == 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} has {} tokens, fewer than one chunk of {}: give a longer text, or "
                            "a smaller --n-ctx",
                            path, out.tokens_.size(), options.tokens));
  }
  if (options.most > 0) count = std::min(count, options.most);
  out.tokens_.resize(static_cast<size_t>(count * options.tokens));
  const text::SpecialTokens& special = tokenizer.vocab().special();
  if (special.add_bos) {
    for (int64_t i = 0; i < count; ++i) {
      out.tokens_[static_cast<size_t>(i * options.tokens)] = special.bos;
    }
  }
  return out;
}

void TextChunks::warn_beyond(int64_t trained, const std::string& model) const {
  if (length_ <= trained) return;
  spdlog::warn("{} was trained with {} tokens of context: chunks of {} say little about it", model,
               trained, length_);
}

}  // namespace chasqui::app
