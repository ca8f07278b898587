// Where the expected results of the reference implementation are, and how tests read them. The
// folder is not part of the repository: a test that needs it skips with no_golden_data() when it
// is absent. Only for tests: errors throw, which fails the test.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui::testing {

// $CHASQUI_GOLDEN_DIR, else ../shared/golden beside the checkout; nullopt when there is none.
std::optional<std::filesystem::path> golden_dir();

// The sentence for GTEST_SKIP().
const char* no_golden_data();

boost::json::value read_json(const std::filesystem::path& path);
std::string read_file(const std::filesystem::path& path);

std::vector<uint8_t> decode_base64(std::string_view text);
std::string decode_hex(std::string_view text);
std::string encode_hex(std::string_view bytes);

// A JSON array of numbers, of whatever kind, as T.
template <typename T>
std::vector<T> numbers(const boost::json::value& array) {
  std::vector<T> out;
  for (const auto& item : array.as_array()) out.push_back(item.to_number<T>());
  return out;
}

}  // namespace chasqui::testing
