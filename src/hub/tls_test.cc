// HTTPS: a certificate that nobody vouches for ends it, one that the system knows does not.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>

#include "http/server.h"
#include "hub/internal/hub_for_test.h"
#include "hub/pull.h"

namespace chasqui::hub {
namespace {

using ::testing::HasSubstr;
using testing::HubForTest;

void write_certificate(const std::string& key_file, const std::string& certificate_file,
                       const char* host) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* x509 = X509_new();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -60);
  X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
  X509_set_pubkey(x509, key);
  X509_NAME* name = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(host),
                             -1, -1, 0);
  X509_set_issuer_name(x509, name);
  const std::string names = fmt::format("DNS:{}", host);
  X509_EXTENSION* alternatives =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
  X509_add_ext(x509, alternatives, -1);
  X509_EXTENSION_free(alternatives);
  X509_sign(x509, key, EVP_sha256());
  FILE* file = std::fopen(key_file.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  file = std::fopen(certificate_file.c_str(), "w");
  PEM_write_X509(file, x509);
  std::fclose(file);
  X509_free(x509);
  EVP_PKEY_free(key);
}

// Our own server in front of what HubForTest would say.
class TlsTest : public ::testing::Test {
 protected:
  void start(const char* host) {
    hub_.files = {{"m.gguf", testing::noise(100'000)}};
    key_ = (hub_.folder() / "key.pem").string();
    certificate_ = (hub_.folder() / "cert.pem").string();
    write_certificate(key_, certificate_, host);
    http::Router router;
    router.get("/{path...}", [this](auto exchange) {
      http::Response response;
      const bool is_list = exchange->request().path.starts_with("/api/");
      response.body = is_list ? hub_.listing() : hub_.files.at("m.gguf");
      exchange->respond(std::move(response));
    });
    server_ = std::make_unique<http::Server>(
        http::ServerOptions{
            .host = "127.0.0.1", .port = 0, .ssl_keyfile = key_, .ssl_certfile = certificate_},
        std::move(router));
    const auto port = server_->start();
    ASSERT_TRUE(port) << port.error().message;
    options_ = hub_.options();
    options_.endpoint = fmt::format("https://localhost:{}", *port);
  }
  void TearDown() override { ::unsetenv("SSL_CERT_FILE"); }

  Result<PulledModel> run() { return pull({HubForTest::kRepo, "main", ""}, options_, {}); }

  HubForTest hub_;
  std::string key_;
  std::string certificate_;
  std::unique_ptr<http::Server> server_;
  HubOptions options_;
};

TEST_F(TlsTest, TakesACertificateThatTheSystemKnows) {
  start("localhost");
  ::setenv("SSL_CERT_FILE", certificate_.c_str(), 1);
  const auto pulled = run();
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_TRUE(testing::read_file(pulled->path) == hub_.files.at("m.gguf"));
}

TEST_F(TlsTest, RefusesOneThatNobodyVouchesFor) {
  start("localhost");
  const auto pulled = run();
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, ErrorCode::kIo);
  EXPECT_THAT(pulled.error().message, HasSubstr("the TLS connection to localhost"));
  EXPECT_THAT(pulled.error().message, HasSubstr("self-signed certificate"));
}

TEST_F(TlsTest, RefusesOneForAnotherHost) {
  start("other.example");
  ::setenv("SSL_CERT_FILE", certificate_.c_str(), 1);
  const auto pulled = run();
  ASSERT_FALSE(pulled);
  EXPECT_THAT(pulled.error().message, HasSubstr("the TLS connection to localhost"));
}

TEST_F(TlsTest, SaysWhatIsNoTls) {
  start("localhost");
  options_.endpoint = fmt::format("https://localhost:{}", hub_.port());
  options_.retries = 0;
  options_.connect_timeout = std::chrono::milliseconds(300);  // it waits for the end of a request
  const auto pulled = run();
  ASSERT_FALSE(pulled);
  EXPECT_THAT(pulled.error().message, HasSubstr("cannot set up TLS with"));
}

}  // namespace
}  // namespace chasqui::hub
