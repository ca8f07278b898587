// Decoders against the values of the reference, bit for bit; encoders against its error.
#include "support/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "quant/quant_type.h"

namespace chasqui::quant {
namespace {

namespace json = boost::json;

std::vector<float> floats(const json::value& base64) {
  const auto bytes = testing::decode_base64(base64.as_string());
  std::vector<float> out(bytes.size() / sizeof(float));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(float));
  return out;
}

// nullopt when there is no golden data for the type.
std::optional<json::object> golden_of(const DTypeInfo& info) {
  const auto dir = testing::golden_dir();
  if (!dir) return std::nullopt;
  const auto path = *dir / "quants" / (std::string(info.name) + ".json");
  if (!std::filesystem::exists(path)) return std::nullopt;
  return testing::read_json(path).as_object();
}

double rmse(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

class Golden : public ::testing::TestWithParam<QuantType> {};

TEST_P(Golden, DecodesBitForBit) {
  const QuantType& quant = GetParam();
  const DTypeInfo& info = dtype_info(quant.type);
  const auto golden = golden_of(info);
  if (!golden) GTEST_SKIP() << testing::no_golden_data();
  ASSERT_EQ(golden->at("block_size").to_number<uint32_t>(), info.block_values);
  ASSERT_EQ(golden->at("type_size").to_number<uint32_t>(), info.block_bytes);
  const auto data = testing::decode_base64(golden->at("data_base64").as_string());
  const auto expected = floats(golden->at("values_base64_f32le"));
  ASSERT_EQ(expected.size(), data.size() / info.block_bytes * info.block_values);

  // One byte further on than any alignment would like.
  std::vector<std::byte> shifted(data.size() + 1);
  std::memcpy(shifted.data() + 1, data.data(), data.size());
  std::vector<float> values(expected.size());
  decode_row(quant.type, shifted.data() + 1, values);
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(values[i]), std::bit_cast<uint32_t>(expected[i]))
        << info.name << " value " << i << ": " << values[i] << " instead of " << expected[i];
  }
}

class GoldenEncoder : public Golden {};

TEST_P(GoldenEncoder, IsAsGoodAsTheReference) {
  const QuantType& quant = GetParam();
  const DTypeInfo& info = dtype_info(quant.type);
  const auto golden = golden_of(info);
  if (!golden) GTEST_SKIP() << testing::no_golden_data();
  // Formats that hold single values have no such fields; their values must come back exactly. The
  // reference refuses to write others without an importance matrix.
  const bool exact = info.block_values == 1;
  if (!exact && !golden->contains("quantized_rmse")) {
    // fit_test.cc bounds these.
    constexpr DType kNeedImportance[] = {DType::kIQ1_S, DType::kIQ2_XXS, DType::kIQ2_XS};
    EXPECT_NE(std::ranges::find(kNeedImportance, quant.type), std::end(kNeedImportance));
    return;
  }
  const auto input =
      floats(golden->at(exact ? "values_base64_f32le" : "quantize_input_base64_f32le"));
  const double theirs = exact ? 0 : golden->at("quantized_rmse").to_number<double>();
  const auto blocks = static_cast<int64_t>(input.size() / info.block_values);
  std::vector<std::byte> encoded(static_cast<size_t>(blocks) * info.block_bytes);
  quant.encode(input.data(), nullptr, encoded.data(), blocks);
  std::vector<float> decoded(input.size());
  quant.decode(encoded.data(), decoded.data(), blocks);
  const double ours = rmse(input, decoded);
  RecordProperty("rmse", std::to_string(ours));
  RecordProperty("reference_rmse", std::to_string(theirs));
  EXPECT_LE(ours, 1.05 * theirs) << info.name;
}

std::string type_name(const ::testing::TestParamInfo<QuantType>& row) {
  return std::string(dtype_info(row.param.type).name);
}

std::vector<QuantType> encodable() {
  std::vector<QuantType> out;
  std::ranges::copy_if(all_quant_types(), std::back_inserter(out),
                       [](const QuantType& quant) { return quant.encode != nullptr; });
  return out;
}

INSTANTIATE_TEST_SUITE_P(AllTypes, Golden,
                         ::testing::ValuesIn(all_quant_types().begin(), all_quant_types().end()),
                         type_name);
INSTANTIATE_TEST_SUITE_P(AllTypes, GoldenEncoder, ::testing::ValuesIn(encodable()), type_name);

TEST(GoldenData, CoversEveryTypeThatHasGoldenData) {
  const auto dir = testing::golden_dir();
  if (!dir) GTEST_SKIP() << testing::no_golden_data();
  for (const auto& entry : std::filesystem::directory_iterator(*dir / "quants")) {
    const DTypeInfo* info = find_dtype(entry.path().stem().string());
    ASSERT_NE(info, nullptr) << entry.path();
    EXPECT_NE(find_quant_type(info->type), nullptr) << info->name;
  }
}

}  // namespace
}  // namespace chasqui::quant
