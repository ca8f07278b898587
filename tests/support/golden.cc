#include "support/golden.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "support/source_dir.h"

namespace chasqui::testing {

std::optional<std::filesystem::path> golden_dir() {
  const char* chosen = std::getenv("CHASQUI_GOLDEN_DIR");
  const std::filesystem::path dir = chosen != nullptr ? chosen : source_dir() / "../shared/golden";
  if (!std::filesystem::is_directory(dir)) return std::nullopt;
  return dir;
}

const char* no_golden_data() {
  return "no golden data: neither $CHASQUI_GOLDEN_DIR nor ../shared/golden is a folder";
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

boost::json::value read_json(const std::filesystem::path& path) {
  return boost::json::parse(read_file(path));
}

std::vector<uint8_t> decode_base64(std::string_view text) {
  std::vector<uint8_t> out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    uint32_t digit = 0;
    if (c >= 'A' && c <= 'Z') {
      digit = static_cast<uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      digit = static_cast<uint32_t>(c - 'a' + 26);
    } else if (c >= '0' && c <= '9') {
      digit = static_cast<uint32_t>(c - '0' + 52);
    } else if (c == '+') {
      digit = 62;
    } else if (c == '/') {
      digit = 63;
    } else {
      continue;  // padding, line breaks
    }
    bits = bits << 6 | digit;
    count += 6;
    if (count >= 8) out.push_back(static_cast<uint8_t>(bits >> (count -= 8)));
  }
  return out;
}

std::string decode_hex(std::string_view text) {
  std::string out;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

std::string encode_hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
    out.push_back(kDigits[static_cast<uint8_t>(c) & 15]);
  }
  return out;
}

}  // namespace chasqui::testing
