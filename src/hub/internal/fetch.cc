#include "hub/internal/fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace chasqui::hub {
namespace {

constexpr int kMostRedirects = 10;
constexpr size_t kLongestQuote = 300;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_body_wanted(int status) {
  return status == 200 || status == 206 || status == 416;
}

bool may_pass(int status) {
  return status == 408 || status == 429 || status >= 500;
}

// Lets only successes through; what redirects and errors carry is not read.
class SuccessSink : public BodySink {
 public:
  explicit SuccessSink(BodySink& inner) : inner_(inner) {}
  Fetched<bool> begin(const HttpHead& head) override {
    if (!is_body_wanted(head.status)) return false;
    return inner_.begin(head);
  }
  Fetched<void> take(std::span<const std::byte> bytes) override { return inner_.take(bytes); }

 private:
  BodySink& inner_;
};

class TextSink : public BodySink {
 public:
  explicit TextSink(size_t max_bytes) : max_bytes_(max_bytes) {}
  Fetched<bool> begin(const HttpHead& head) override {
    text.clear();
    if (head.length.value_or(0) > max_bytes_) return too_long();
    return true;
  }
  Fetched<void> take(std::span<const std::byte> bytes) override {
    if (text.size() + bytes.size() > max_bytes_) return too_long();
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }

  std::string text;

 private:
  tl::unexpected<Failure> too_long() const {
    return lasting({ErrorCode::kCorrupt,
                    fmt::format("the hub's answer has more than {} bytes", max_bytes_), ""});
  }
  size_t max_bytes_;
};

// Seconds only; the form with a date means "later" as well, and the usual pause will do.
std::chrono::milliseconds retry_after(const HttpHead& head) {
  const std::string text = head.field("Retry-After");
  constexpr int kMostSeconds = 3600;
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return std::chrono::seconds(std::clamp(seconds, 0, kMostSeconds));
}

std::string quoted_reason(const HttpHead& head) {
  std::string reason = head.field("X-Error-Message").substr(0, kLongestQuote);
  return reason.empty() ? "" : fmt::format(" (it says: {})", reason);
}

std::string about_token(const HubOptions& options) {
  const auto endpoint = parse_url(options.endpoint);
  if (!options.token.empty() && endpoint && !endpoint->tls && !endpoint->is_loopback()) {
    return "your token was not sent, because HF_ENDPOINT is not https";
  }
  if (options.token.empty()) {
    return fmt::format("if you may read it, make a token at {}/settings/tokens and set HF_TOKEN",
                       options.endpoint);
  }
  return fmt::format(
      "the token in HF_TOKEN does not open it; {}/settings/tokens shows what it may "
      "read",
      options.endpoint);
}

// 401 is what the hub also says of repositories that are not there.
Failure refused(const Session& session, const HttpHead& head) {
  const std::string page = session.options.endpoint + '/' + session.repo;
  std::string message;
  if (head.field("X-Error-Code") == "GatedRepo" || head.status == 403) {
    message = fmt::format(
        "{} is gated: its owner lets those read it who ask. Sign in, accept the terms at {}, and "
        "{}",
        session.repo, page, about_token(session.options));
  } else {
    message = fmt::format("{} does not exist on {}, or it is private: check the name; {}",
                          session.repo, session.options.endpoint, about_token(session.options));
  }
  return {Error{ErrorCode::kNotFound, message + quoted_reason(head), ""}, false, {}};
}

Failure not_found(const Session& session, const HttpHead& head, const std::string& path) {
  const std::string code = head.field("X-Error-Code");
  std::string message;
  if (code == "RevisionNotFound") {
    message = fmt::format("{} has no revision {}", session.repo, session.revision);
  } else if (path.starts_with("/api/")) {
    message = fmt::format("{} does not exist on {} (revision {})", session.repo,
                          session.options.endpoint, session.revision);
  } else {
    message = fmt::format("{}{} is not there any more", session.options.endpoint, path);
  }
  return {Error{ErrorCode::kNotFound, message + quoted_reason(head), ""}, false, {}};
}

Failure failure_of(const Session& session, const HttpHead& head, const std::string& path) {
  if (head.status == 401 || head.status == 403) return refused(session, head);
  if (head.status == 404) return not_found(session, head, path);
  const std::string message =
      fmt::format("{}{} was answered with status {}{}", session.options.endpoint, path, head.status,
                  quoted_reason(head));
  if (may_pass(head.status)) return passing(message, retry_after(head)).value();
  return {Error{ErrorCode::kIo, message, ""}, false, {}};
}

Fetched<Url> next_url(const Url& from, const HttpHead& head) {
  const std::string location = head.field("Location");
  const auto url = resolve_location(from, location);
  if (!url) {
    return lasting({ErrorCode::kCorrupt,
                    fmt::format("{} redirects to \"{}\", which is no URL", from.authority(),
                                location.substr(0, kLongestQuote)),
                    ""});
  }
  if (from.tls && !url->tls) {
    return lasting({ErrorCode::kUnsupported,
                    fmt::format("{} redirects from https to http ({}), which is not followed",
                                from.authority(), url->authority()),
                    ""});
  }
  return *url;
}

}  // namespace

Fetched<HttpHead> fetch(const Session& session, const FetchRequest& request, BodySink& sink) {
  const auto endpoint = parse_url(session.options.endpoint);
  auto url = parse_url(session.options.endpoint + request.path);
  if (!endpoint || !url) {
    return lasting({ErrorCode::kInvalidArgument,
                    session.options.endpoint + " is no address of a hub", "HF_ENDPOINT"});
  }
  SuccessSink successes(sink);
  for (int hop = 0; hop <= kMostRedirects; ++hop) {
    HttpRequest http{*url, request.headers};
    const bool may_have_token = url->same_server(*endpoint) && (url->tls || url->is_loopback());
    if (may_have_token && !session.options.token.empty()) {
      http.headers.emplace_back("Authorization", "Bearer " + session.options.token);
    }
    auto head = http_get(http, successes, session.options, session.stop);
    if (!head || is_body_wanted(head->status)) return head;
    if (!is_redirect(head->status)) {
      return tl::unexpected<Failure>(failure_of(session, *head, request.path));
    }
    auto next = next_url(*url, *head);
    if (!next) return tl::unexpected<Failure>(next.error());
    url = *next;
  }
  return lasting({ErrorCode::kCorrupt,
                  fmt::format("{}{} leads through more than {} redirects", session.options.endpoint,
                              request.path, kMostRedirects),
                  ""});
}

Fetched<std::string> fetch_text(const Session& session, const FetchRequest& request,
                                size_t max_bytes) {
  TextSink sink(max_bytes);
  const auto head = fetch(session, request, sink);
  if (!head) return tl::unexpected<Failure>(head.error());
  if (head->status != 200) {
    return lasting({ErrorCode::kCorrupt,
                    fmt::format("{}{} was answered with status {}", session.options.endpoint,
                                request.path, head->status),
                    ""});
  }
  return std::move(sink.text);
}

}  // namespace chasqui::hub
