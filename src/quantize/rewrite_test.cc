// Whole files: what is written is what the encoders give, for any number of threads; what must not
// be written is refused before a byte is.
#include "quantize/rewrite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "quant/quant_type.h"
#include "quantize/internal/model_for_test.h"

namespace chasqui::quantize {
namespace {

using chasqui::testing::TemporaryFile;
using ::testing::HasSubstr;
using testing::ModelFile;
using testing::Shape;

RewriteOptions as(std::string_view file_type) {
  RewriteOptions options;
  options.file_type = *find_file_type(file_type);
  return options;
}

std::string refusal(const gguf::File& file, const RewriteOptions& options) {
  const auto plan = plan_rewrite(file, options);
  return plan ? "planned" : plan.error().message;
}

Status rewrite(const gguf::File& file, const RewriteOptions& options, const std::string& path,
               const WriteOptions& write) {
  CHASQUI_TRY(const RewritePlan plan, plan_rewrite(file, options));
  return write_rewritten(file, options, plan, path, write);
}

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<float> decoded(const gguf::File& file, const std::string& name) {
  const gguf::Tensor* tensor = file.find_tensor(name);
  std::vector<float> out(static_cast<size_t>(tensor->view.elements()));
  quant::decode_row(tensor->view.type, tensor->view.bytes.data(), out);
  return out;
}

constexpr Shape kWide = {.layers = 1, .cols = 512, .rows = 300, .type = DType::kF16};

TEST(Rewrite, WritesWhatTheEncodersGive) {
  const ModelFile file(kWide);
  const TemporaryFile out(".gguf");
  ASSERT_TRUE(rewrite(*file, as("Q4_K_M"), out.path(), {.threads = 2, .overwrite = true}));
  const auto written = gguf::File::open(out.path());
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(written->get_int("general.file_type", 0, 100)->value(), 15);
  EXPECT_EQ(written->get_int("general.quantization_version", 0, 100)->value(), 2);
  EXPECT_EQ(written->get_string("general.architecture")->value(), "llama");
  ASSERT_EQ(written->tensors().size(), file->tensors().size());
  for (const gguf::Tensor& tensor : written->tensors()) {
    const auto values = decoded(*file, tensor.name);
    std::vector<std::byte> expected(tensor.view.bytes.size());
    quant::encode_row(tensor.view.type, values, {}, expected.data());
    EXPECT_EQ(std::memcmp(expected.data(), tensor.view.bytes.data(), expected.size()), 0)
        << tensor.name;
  }
}

TEST(Rewrite, ThreadsDoNotChangeAByte) {
  const ModelFile file(kWide);
  const TemporaryFile one(".gguf");
  const TemporaryFile many(".gguf");
  ASSERT_TRUE(rewrite(*file, as("IQ3_S"), one.path(), {.threads = 1, .overwrite = true}));
  ASSERT_TRUE(rewrite(*file, as("IQ3_S"), many.path(), {.threads = 5, .overwrite = true}));
  EXPECT_EQ(bytes_of(one.path()), bytes_of(many.path()));
}

TEST(Rewrite, EveryFileTypeCanBeWrittenAndKeepsValues) {
  const ModelFile file({.layers = 1, .rows = 4});
  const TemporaryFile matrix(".gguf");
  const TemporaryFile out(".gguf");
  std::map<std::string, ImportanceSums> sums;
  for (const gguf::Tensor& tensor : file->tensors()) {
    sums[tensor.name] = {std::vector<double>(static_cast<size_t>(tensor.view.cols()), 1.0), {1}};
  }
  ASSERT_TRUE(write_importance(matrix.path(), true, {}, sums));
  const auto importance = Importance::read(matrix.path());
  ASSERT_TRUE(importance);
  for (const FileType& type : file_types()) {
    RewriteOptions options = as(type.name);
    options.importance = &*importance;
    ASSERT_TRUE(rewrite(*file, options, out.path(), {.overwrite = true})) << type.name;
    const auto written = gguf::File::open(out.path());
    ASSERT_TRUE(written) << written.error().message;
    const auto before = decoded(*file, "blk.0.attn_q.weight");
    const auto after = decoded(*written, "blk.0.attn_q.weight");
    double error = 0;
    double energy = 0;
    for (size_t i = 0; i < before.size(); ++i) {
      error += std::pow(double{before[i]} - after[i], 2);
      energy += std::pow(double{before[i]}, 2);
    }
    // One bit a value keeps the sign and the mean size: 1 - 2 / pi of the energy is lost.
    EXPECT_LT(error / energy, 0.4) << type.name;
  }
}

TEST(Rewrite, ImportanceReachesTheEncoder) {
  const ModelFile file({.layers = 1, .experts = 2});
  const TemporaryFile matrix(".gguf");
  const TemporaryFile out(".gguf");
  const std::string name = "blk.0.ffn_up_exps.weight";
  std::vector<double> squares(512, 1.0);
  for (size_t i = 256; i < 512; i += 2) squares[i] = 50;  // of the second expert
  ASSERT_TRUE(
      write_importance(matrix.path(), true, {{"a.txt"}, 3, 8}, {{name, {squares, {1, 1}}}}));
  const auto importance = Importance::read(matrix.path());
  RewriteOptions options = as("Q4_0");
  options.importance = &*importance;
  options.importance_name = "a.gguf";
  ASSERT_TRUE(rewrite(*file, options, out.path(), {.overwrite = true}));
  const auto written = gguf::File::open(out.path());
  EXPECT_EQ(written->get_string("quantize.imatrix.file")->value(), "a.gguf");
  EXPECT_EQ(written->get_string("quantize.imatrix.dataset")->value(), "a.txt");
  const auto values = decoded(*file, name);
  for (int64_t expert = 0; expert < 2; ++expert) {
    const auto weights = importance->weights(name, 256, 2, expert);
    std::vector<std::byte> expected(144);
    quant::encode_row(DType::kQ4_0, std::span(values).subspan(expert * 256, 256), *weights,
                      expected.data());
    const std::byte* got = written->find_tensor(name)->view.bytes.data() + expert * 144;
    EXPECT_EQ(std::memcmp(expected.data(), got, expected.size()), 0) << expert;
  }
}

TEST(Rewrite, RefusesToRoundTwice) {
  const ModelFile file({.type = DType::kQ4_K});
  EXPECT_THAT(refusal(*file, as("Q6_K")), HasSubstr("--allow-requantize"));
  RewriteOptions options = as("Q6_K");
  options.allow_requantize = true;
  EXPECT_EQ(refusal(*file, options), "planned");
  // What has its type already is copied.
  options = as("Q4_K_M");
  options.choices.pure = true;
  EXPECT_EQ(refusal(*file, options), "planned");
}

TEST(Rewrite, FewBitsNeedImportance) {
  const ModelFile file({});
  for (const char* type : {"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS"}) {
    EXPECT_THAT(refusal(*file, as(type)), HasSubstr("chasqui imatrix")) << type;
  }
  EXPECT_EQ(refusal(*file, as("IQ3_XXS")), "planned");
  const TemporaryFile matrix(".gguf");
  ASSERT_TRUE(write_importance(matrix.path(), true, {}, {{"else.weight", {{1}, {1}}}}));
  const auto importance = Importance::read(matrix.path());
  RewriteOptions options = as("IQ2_XS");
  options.importance = &*importance;
  options.importance_name = "other.gguf";
  EXPECT_THAT(refusal(*file, options), HasSubstr("other.gguf"));
}

TEST(Rewrite, ImportanceOfAnotherModelIsRefused) {
  const ModelFile file({});
  const TemporaryFile matrix(".gguf");
  ASSERT_TRUE(write_importance(matrix.path(), true, {}, {{"blk.0.attn_q.weight", {{1}, {1}}}}));
  const auto importance = Importance::read(matrix.path());
  RewriteOptions options = as("Q4_0");
  options.importance = &*importance;
  EXPECT_THAT(refusal(*file, options), HasSubstr("another model"));
}

TEST(Rewrite, LeavesAFileThatIsThere) {
  const ModelFile file({});
  const TemporaryFile out(".gguf");
  std::ofstream(out.path()) << "precious";
  EXPECT_THAT(rewrite(*file, as("Q8_0"), out.path(), {}).error().message, HasSubstr("exists"));
  EXPECT_EQ(bytes_of(out.path()), "precious");
}

TEST(Rewrite, CancelledLeavesNothing) {
  const ModelFile file({});
  const TemporaryFile out(".gguf");
  std::filesystem::remove(out.path());
  int asked = 0;
  WriteOptions write;
  write.cancelled = [&] { return ++asked > 3; };
  const auto done = rewrite(*file, as("Q8_0"), out.path(), write);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kCancelled);
  const std::filesystem::path path(out.path());
  for (const auto& entry : std::filesystem::directory_iterator(path.parent_path())) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(path.filename().string()));
  }
}

TEST(Rewrite, NamesATensorThatHoldsNoNumbers) {
  const TemporaryFile damaged(".gguf");
  testing::write_model({}, damaged.path());
  std::string bytes = bytes_of(damaged.path());
  const uint32_t nan = 0x7fc00000;
  std::memcpy(bytes.data() + bytes.size() - 64, &nan, sizeof(nan));  // of the last tensor
  std::ofstream(damaged.path(), std::ios::binary) << bytes;
  const auto file = gguf::File::open(damaged.path());
  const TemporaryFile out(".gguf");
  const auto done = rewrite(*file, as("Q8_0"), out.path(), {.overwrite = true});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(done.error().message, HasSubstr("blk.1.ffn_down.weight"));
}

// Half of the tensors in each of two files, which only the first one's metadata describes.
void write_part(const gguf::File& whole, uint32_t part, const std::string& path) {
  gguf::Writer writer;
  for (const auto& [key, value] : whole.metadata()) {
    if (part == 0) writer.add_value(key, value);
  }
  const auto total = static_cast<uint32_t>(whole.tensors().size());
  writer.add_uint32("split.no", part);
  writer.add_uint32("split.count", 2);
  writer.add_uint32("split.tensors.count", total);
  const auto tensors =
      part == 0 ? whole.tensors().first(total / 2) : whole.tensors().subspan(total / 2);
  for (const gguf::Tensor& tensor : tensors) {
    writer.declare_tensor(tensor.name, tensor.view.type,
                          std::span(tensor.view.dims).first(static_cast<size_t>(tensor.n_dims)));
  }
  ASSERT_TRUE(writer.open(path, true));
  for (const gguf::Tensor& tensor : tensors) ASSERT_TRUE(writer.append(tensor.view.bytes));
  ASSERT_TRUE(writer.finish());
}

TEST(Rewrite, JoinsTheFilesOfASplitModel) {
  const ModelFile whole({});
  const TemporaryFile name("");
  const std::string parts[] = {name.path() + "-00001-of-00002.gguf",
                               name.path() + "-00002-of-00002.gguf"};
  for (uint32_t part = 0; part < 2; ++part) {
    ASSERT_NO_FATAL_FAILURE(write_part(*whole, part, parts[part]));
  }
  const auto split = gguf::File::open(parts[1]);
  ASSERT_TRUE(split) << split.error().message;
  const TemporaryFile from_whole(".gguf");
  const TemporaryFile from_split(".gguf");
  EXPECT_TRUE(rewrite(*whole, as("Q4_K_S"), from_whole.path(), {.overwrite = true}));
  EXPECT_TRUE(rewrite(*split, as("Q4_K_S"), from_split.path(), {.overwrite = true}));
  EXPECT_EQ(bytes_of(from_whole.path()), bytes_of(from_split.path()));
  for (const std::string& path : parts) std::filesystem::remove(path);
}

TEST(Rewrite, ProgressEndsAtOne) {
  const ModelFile file({});
  const TemporaryFile out(".gguf");
  double last = 0;
  WriteOptions write{.overwrite = true};
  write.progress = [&](double done) {
    EXPECT_GE(done, last);
    last = done;
  };
  ASSERT_TRUE(rewrite(*file, as("Q5_K_S"), out.path(), write));
  EXPECT_EQ(last, 1.0);
}

}  // namespace
}  // namespace chasqui::quantize
