#include "hub/internal/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "base/check.h"

namespace chasqui::hub {

struct Digest::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  EVP_MD_CTX_free};
};

Digest::Digest(const std::string& etag, uint64_t size) : state_(std::make_unique<State>()) {
  constexpr size_t kSha1Digits = 40;
  const bool is_git = etag.size() == kSha1Digits;
  const EVP_MD* method = is_git ? EVP_sha1() : EVP_sha256();
  CHASQUI_CHECK(EVP_DigestInit_ex(state_->context.get(), method, nullptr) == 1,
                "OpenSSL has no hash of {} digits", etag.size());
  if (!is_git) return;
  const std::string head = fmt::format("blob {}", size);
  EVP_DigestUpdate(state_->context.get(), head.c_str(), head.size() + 1);  // with its NUL
}

Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}

std::string Digest::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes = {};
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context.get(), bytes.data(), &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", bytes[i]);
  return hex;
}

}  // namespace chasqui::hub
