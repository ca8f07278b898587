#include "api/internal/test_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "backend/ops.h"
#include "base/rng.h"
#include "support/tiny_tokenizer.h"

namespace json = boost::json;

namespace chasqui::api::testing {
namespace {

using chasqui::testing::TinyVocab;

uint64_t mix(int32_t token, int32_t position, uint64_t salt) {
  uint64_t state =
      static_cast<uint64_t>(token) * 1000003u + static_cast<uint64_t>(position) * 7919u + salt;
  return splitmix64(state);
}

// What must follow inside a character, or -1: é is C3 A9, 日 is E6 97 A5, the emoji is F0 9F 98 80.
int32_t continuation(int32_t token) {
  switch (token) {
    case 0xC3:
      return 0xA9;
    case 0xE6:
      return 0x97;
    case 0x97:
      return 0xA5;
    case 0xF0:
      return 0x9F;
    case 0x9F:
      return 0x98;
    case 0x98:
      return 0x80;
    default:
      return -1;
  }
}

void fill_logits(int32_t token, int32_t position, std::span<float> logits) {
  constexpr int32_t kAlphabet[] = {'a', 'b', 'c', 'd', 'e', ' ', '\n', 0xC3, 0xE6, 0xF0};
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = -20.0f;
  if (const int32_t next = continuation(token); next >= 0) {
    logits[static_cast<size_t>(next)] = 60.0f;
    return;
  }
  for (size_t i = 0; i < std::size(kAlphabet); ++i) {
    // Spread over 4 nats: sampling varies, the best is clear.
    const double share = static_cast<double>(mix(token, position, i) >> 40) / (1 << 24);
    logits[static_cast<size_t>(kAlphabet[i])] = static_cast<float>(4.0 * share);
  }
  // About one answer in forty tokens ends by itself.
  if (mix(token, position, 99) % 40 == 0) logits[TinyVocab::kEos] = 30.0f;
}

std::string unchunk(std::string_view body) {
  std::string out;
  while (!body.empty()) {
    const size_t line = body.find("\r\n");
    if (line == std::string_view::npos) break;
    const size_t size = std::stoul(std::string(body.substr(0, line)), nullptr, 16);
    if (size == 0) break;
    out += body.substr(line + 2, size);
    body.remove_prefix(std::min(body.size(), line + 2 + size + 2));
  }
  return out;
}

std::string request_bytes(std::string_view method, std::string_view path, std::string_view body) {
  return fmt::format(
      "{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: "
      "application/json\r\nContent-Length: {}\r\n\r\n{}",
      method, path, body.size(), body);
}

ServedModel tiny_model(std::shared_ptr<engine::Engine> engine,
                       std::shared_ptr<const text::Tokenizer> tokenizer,
                       const std::string& chat_template) {
  ServedModel model;
  model.id = "folder/tiny.gguf";
  model.created = 1700000000;
  model.engine = std::move(engine);
  model.chat_format =
      *chat::make_chat_format(chat_template.empty() ? "chatml" : "chat_template.default",
                              chat::model_texts(tokenizer->vocab(), chat_template));
  model.tokenizer = std::move(tokenizer);
  model.embedding_size = BabbleRunner::kHidden;
  return model;
}

}  // namespace

BabbleRunner::BabbleRunner(std::function<void()> before_forward, int64_t cache_blocks,
                           int32_t vocab_size, Likes likes, Abilities abilities)
    : before_forward_(std::move(before_forward)),
      cache_blocks_(cache_blocks),
      vocab_size_(vocab_size),
      likes_(std::move(likes)),
      abilities_(abilities),
      specs_{{backend::kKvBlockTokens, 1, 0}} {}

model::StepOutputs BabbleRunner::forward(const model::StepInputs& inputs) {
  if (before_forward_) before_forward_();
  const auto size = static_cast<size_t>(vocab_size_);
  logits_.resize(inputs.logit_rows.size() * size);
  for (size_t i = 0; i < inputs.logit_rows.size(); ++i) {
    const auto row = static_cast<size_t>(inputs.logit_rows[i]);
    const std::span<float> logits = std::span(logits_).subspan(i * size, size);
    fill_logits(inputs.tokens[row], inputs.positions[row], logits);
    const int32_t liked = likes_ ? likes_(inputs.positions[row] + 1) : -1;
    if (liked >= 0) logits[static_cast<size_t>(liked)] = 90.0f;
  }
  hidden_.clear();
  for (const int32_t index : inputs.hidden_rows) {
    const auto row = static_cast<size_t>(index);
    Rng rng(mix(inputs.tokens[row], inputs.positions[row], 5));
    for (int32_t k = 0; k < kHidden; ++k) hidden_.push_back(static_cast<float>(rng.normal()));
  }
  return {logits_, hidden_};
}

std::vector<float> BabbleRunner::rank(std::vector<float> pooled) {
  pooled.resize(static_cast<size_t>(abilities_.rank_outputs));
  return pooled;
}

json::value Reply::json() const {
  return json::parse(body);
}

std::vector<std::string> Reply::events() const {
  std::vector<std::string> out;
  size_t begin = 0;
  while (begin < body.size()) {
    const size_t end = std::min(body.find("\n\n", begin), body.size());
    const std::string_view block = std::string_view(body).substr(begin, end - begin);
    if (block.starts_with("data: ")) out.emplace_back(block.substr(6));
    begin = end + 2;
  }
  return out;
}

std::string Reply::header(std::string_view name) const {
  std::string_view rest = head;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos && http::equal_ignoring_case(line.substr(0, colon), name)) {
      return std::string(line.substr(std::min(line.size(), colon + 2)));
    }
    rest.remove_prefix(std::min(rest.size(), end + 2));
  }
  return "";
}

TestServer::TestServer(TestServerOptions options) {
  const auto tokenizer = chasqui::testing::tiny_tokenizer(
      {.infill_tokens = options.infill_tokens, .control_tokens = options.control_tokens});
  engine_ = std::make_shared<engine::Engine>(
      std::make_unique<BabbleRunner>(std::move(options.before_forward), options.cache_blocks,
                                     tokenizer->vocab().size(), std::move(options.likes),
                                     options.abilities),
      tokenizer, options.engine);
  std::vector<ServedModel> models = {tiny_model(engine_, tokenizer, options.chat_template)};
  models.front().causal = options.abilities.causal;
  models.front().ranks = options.abilities.rank_outputs > 0;
  if (options.adjust) options.adjust(models.front());
  for (const std::string& name : options.more_models) {
    models.push_back(tiny_model(engine_, tokenizer, ""));
    models.back().id = name;
  }
  service_ = std::make_unique<Service>(std::move(models), options.service);
  http::Router router;
  if (const Status added = register_endpoints(router, *service_); !added) {
    throw std::runtime_error(added.error().message);
  }
  options.http.host = "127.0.0.1";
  options.http.port = 0;
  server_ = std::make_unique<http::Server>(options.http, std::move(router));
  const Result<uint16_t> port = server_->start();
  if (!port) throw std::runtime_error(port.error().message);
  port_ = *port;
}

TestServer::~TestServer() {
  server_->stop();
  server_.reset();
  service_.reset();
}

Reply TestServer::request(std::string_view method, std::string_view path,
                          std::string_view body) const {
  const std::string bytes = Connection(port_, request_bytes(method, path, body)).read_all();
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return {0, bytes, ""};
  Reply reply;
  reply.status = std::stoi(bytes.substr(9, 3));
  reply.head = bytes.substr(0, end);
  reply.body = bytes.substr(end + 4);
  if (reply.header("Transfer-Encoding") == "chunked") reply.body = unchunk(reply.body);
  return reply;
}

Reply TestServer::post(std::string_view path, const json::value& body) const {
  return request("POST", path, json::serialize(body));
}

TestServer::Connection TestServer::open(std::string_view path, const json::value& body) const {
  return {port_, request_bytes("POST", path, json::serialize(body))};
}

void TestServer::wait_until(const std::function<bool()>& done) const {
  for (int i = 0; i < 10000 && !done(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_TRUE(done());
}

TestServer::Connection::Connection(uint16_t port, std::string_view bytes)
    : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // A test that waits for an answer that never comes should fail, not hang.
  const timeval limit{.tv_sec = 60, .tv_usec = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot connect");
  }
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

TestServer::Connection::~Connection() {
  close();
}

std::string TestServer::Connection::read_some() {
  char buffer[4096];
  const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
  EXPECT_FALSE(got < 0 && errno == EAGAIN) << "the server does not answer";
  return got > 0 ? std::string(buffer, static_cast<size_t>(got)) : std::string();
}

std::string TestServer::Connection::read_all() {
  std::string out;
  for (std::string part = read_some(); !part.empty(); part = read_some()) out += part;
  return out;
}

void TestServer::Connection::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

}  // namespace chasqui::api::testing
