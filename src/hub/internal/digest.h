// The checksum behind an etag, computed while bytes come: SHA-256 of the bytes, or git's SHA-1 of a
// blob ("blob SIZE\0" and the bytes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace chasqui::hub {

class Digest {
 public:
  // REQUIRES: `etag` has 40 or 64 digits. `size`: of all bytes that will come.
  Digest(const std::string& etag, uint64_t size);
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  void update(std::span<const std::byte> bytes);
  std::string finish();  // small hexadecimal digits; once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace chasqui::hub
