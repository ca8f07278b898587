// HTTPS with a certificate made on the spot. The client is OpenSSL's own.
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "http/server_fixture.h"

namespace chasqui::http {
namespace {

struct Certificate {
  std::string key_file, certificate_file;

  explicit Certificate(const std::filesystem::path& directory, int64_t serial = 1)
      : key_file(directory / "key.pem"), certificate_file(directory / "cert.pem") {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* x509 = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(x509), serial);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, key);
    X509_NAME* name = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(x509, name);
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
};

class TlsTest : public ServerTest {
 protected:
  void SetUp() override {
    directory_ =
        std::filesystem::temp_directory_path() / ("chasqui-tls-test-" + std::to_string(getpid()));
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override {
    ServerTest::TearDown();
    std::filesystem::remove_all(directory_);
  }
  std::filesystem::path directory_;
};

// Blocking; everything is read until `end` has come.
std::string ask_tls(uint16_t port, const std::string& request, std::string_view end) {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                            SSL_CTX_free);
  BIO* bio = BIO_new_ssl_connect(context.get());
  BIO_set_conn_hostname(bio, ("127.0.0.1:" + std::to_string(port)).c_str());
  std::string got;
  if (BIO_do_connect(bio) == 1) {
    BIO_write(bio, request.data(), static_cast<int>(request.size()));
    char chunk[4096];
    while (got.find(end) == std::string::npos) {
      const int n = BIO_read(bio, chunk, sizeof chunk);
      if (n <= 0) break;
      got.append(chunk, static_cast<size_t>(n));
    }
  }
  BIO_free_all(bio);
  return got;
}

// The serial number of the certificate that a new connection sees.
int64_t serial_of(uint16_t port) {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                            SSL_CTX_free);
  BIO* bio = BIO_new_ssl_connect(context.get());
  BIO_set_conn_hostname(bio, ("127.0.0.1:" + std::to_string(port)).c_str());
  int64_t serial = -1;
  SSL* ssl = nullptr;
  BIO_get_ssl(bio, &ssl);
  if (BIO_do_connect(bio) == 1) {
    X509* seen = SSL_get1_peer_certificate(ssl);
    serial = ASN1_INTEGER_get(X509_get_serialNumber(seen));
    X509_free(seen);
  }
  BIO_free_all(bio);
  return serial;
}

TEST_F(TlsTest, RequestsAndStreams) {
  const Certificate certificate(directory_);
  start({.ssl_keyfile = certificate.key_file, .ssl_certfile = certificate.certificate_file});
  const std::string answer = ask_tls(port(), get_request("/hello"), "hello");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("hello"));

  std::thread producer([this] {
    SseWriter writer(held());
    writer.start();
    for (int i = 0; i < 100; ++i) writer.send("x");
    writer.done();
  });
  const std::string stream = ask_tls(port(), get_request("/held"), "0\r\n\r\n");
  producer.join();
  EXPECT_NE(stream.find("data: [DONE]\n\n"), std::string::npos);
  EXPECT_TRUE(eventually([this] { return server().stats().connections_open == 0; }));
}

TEST_F(TlsTest, NewFilesServeNewConnectionsOnly) {
  const Certificate first(directory_, 7);
  start({.ssl_keyfile = first.key_file, .ssl_certfile = first.certificate_file});
  EXPECT_EQ(serial_of(port()), 7);
  std::thread client([this] {
    const std::string answer = ask_tls(port(), get_request("/held"), "hello");
    EXPECT_TRUE(answer.ends_with("hello")) << answer;
  });
  const auto exchange =
      held();  // a connection of the old certificate, in the middle of its request
  const Certificate second(directory_, 8);
  ASSERT_TRUE(server().reload_tls());
  EXPECT_EQ(serial_of(port()), 8);
  exchange->respond({.body = "hello"});
  client.join();

  // What cannot be read changes nothing.
  std::ofstream(second.key_file) << "no key";
  const Status status = server().reload_tls();
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("key.pem"), std::string::npos);
  EXPECT_EQ(serial_of(port()), 8);
}

TEST_F(TlsTest, ALeavingClientIsNoticed) {
  const Certificate certificate(directory_);
  start({.ssl_keyfile = certificate.key_file, .ssl_certfile = certificate.certificate_file});
  std::thread client([this] {
    // Leaves when the stream below has sent its first event.
    ask_tls(port(), get_request("/held"), "data: x");
  });
  auto exchange = held();
  SseWriter writer(exchange);
  writer.start();
  writer.send("x");
  client.join();
  EXPECT_TRUE(eventually([&] { return exchange->disconnected(); }, 1000ms));
}

TEST_F(TlsTest, PlainTextOnATlsPortIsDropped) {
  const Certificate certificate(directory_);
  start({.ssl_keyfile = certificate.key_file, .ssl_certfile = certificate.certificate_file});
  TestClient client(port());
  client.send(get_request("/hello"));
  EXPECT_TRUE(client.closed_within(3s));
}

TEST_F(TlsTest, ASilentClientDoesNotKeepTheHandshakeOpen) {
  const Certificate certificate(directory_);
  start({.header_timeout = 200ms,
         .ssl_keyfile = certificate.key_file,
         .ssl_certfile = certificate.certificate_file});
  TestClient client(port());
  EXPECT_TRUE(client.closed_within(3s));
}

}  // namespace
}  // namespace chasqui::http
