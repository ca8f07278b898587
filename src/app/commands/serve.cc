// chasqui serve: the server.

#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "api/api_key.h"
#include "api/http_metrics.h"
#include "api/service.h"
#include "app/commands/command.h"
#include "app/model_source.h"
#include "app/serving_model.h"
#include "app/vocabulary_model.h"
#include "http/server.h"

namespace chasqui::app {
namespace {

// How long clients may take to read that their requests were cut off.
constexpr std::chrono::seconds kLastWords{2};

http::ServerOptions server_options(const Settings& settings,
                                   std::shared_ptr<api::HttpMetrics> metrics) {
  http::ServerOptions options;
  options.host = settings.host;
  options.port = static_cast<uint16_t>(settings.port);
  options.io_threads = static_cast<int>(settings.io_threads);
  options.max_connections = static_cast<size_t>(settings.max_connections);
  options.max_body_bytes = static_cast<size_t>(settings.max_body_bytes);
  options.cors_origins = settings.cors_origins;
  options.check_host = settings.check_host;
  options.host_names = settings.host_names;
  options.root_path = settings.root_path;
  options.ssl_keyfile = settings.ssl_keyfile;
  options.ssl_certfile = settings.ssl_certfile;
  if (settings.disable_ping_events) options.ping_interval = std::chrono::milliseconds(0);
  options.on_access = [metrics = std::move(metrics)](const http::AccessRecord& record) {
    metrics->count(record);
    api::log_access(record);
  };
  return options;
}

// Files that the server keeps open besides its connections: model, listeners, event queues, log.
constexpr rlim_t kOwnFiles = 32;

// Every connection is an open file. Without one to spare, the kernel would let clients wait instead
// of the server telling them so; the connections are therefore fewer than the files.
Status fit_file_limit(http::ServerOptions& options) {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  const rlim_t wanted = options.max_connections + kOwnFiles;
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= wanted) return {};
  if (limit.rlim_cur <= kOwnFiles) {
    return fail(
        ErrorCode::kResourceExhausted,
        fmt::format("only {} open files are allowed (ulimit -n); serving takes more than {}",
                    limit.rlim_cur, kOwnFiles));
  }
  options.max_connections = limit.rlim_cur - kOwnFiles;
  spdlog::warn("only {} open files are allowed (ulimit -n): max_connections is lowered to {}",
               limit.rlim_cur, options.max_connections);
  return {};
}

// What a large body took goes back to the system. Left alone, glibc raises these limits to the
// largest block that it ever freed, and each thread's heap keeps as much: 40 MB more after a few
// bodies of megabytes.
void return_large_blocks() {
  constexpr int kLargeBytes = 1 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kLargeBytes);
  ::mallopt(M_TRIM_THRESHOLD, kLargeBytes);
}

// SIGTERM, SIGINT and, where there is something to read again, SIGHUP reach this thread only,
// through wait(); call before any thread starts.
class Signals {
 public:
  explicit Signals(bool with_hangup) {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    if (with_hangup) sigaddset(&set_, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    // A client that goes away is an error code, not a signal.
    signal(SIGPIPE, SIG_IGN);
  }

  // Returns the next one.
  int wait() const {
    int received = 0;
    sigwait(&set_, &received);
    return received;
  }

  // From now on one more ends the process at once.
  void arm_second() const {
    if (sigismember(&set_, SIGHUP) == 1) signal(SIGHUP, SIG_IGN);
    struct sigaction action = {};
    action.sa_handler = [](int) { ::_exit(1); };
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
  }

 private:
  sigset_t set_ = {};
};

// All keys, from the settings and from the file; none: the server is open.
Result<api::ApiKeys::Keys> read_keys(const Settings& settings) {
  api::ApiKeys::Keys keys = settings.api_key;
  if (std::ranges::find(keys, "") != keys.end()) {
    return fail(ErrorCode::kInvalidArgument, "api_key has an empty key", "api_key");
  }
  if (settings.api_key_file.empty()) return keys;
  CHASQUI_TRY(const api::ApiKeys::Keys more, api::read_key_file(settings.api_key_file));
  keys.insert(keys.end(), more.begin(), more.end());
  return keys;
}

// SIGHUP: what a cron job has renewed. What cannot be read stays as it was.
void read_again(const Settings& settings, http::Server& server, api::ApiKeys& keys) {
  const Status tls = server.reload_tls();
  if (!tls) spdlog::error("the old certificate stays: {}", tls.error().message);
  auto read = read_keys(settings);
  if (read) {
    keys.replace(std::move(*read));
  } else {
    spdlog::error("the old keys stay: {}", read.error().message);
  }
  if (tls && read) spdlog::info("SIGHUP: certificate and keys were read again");
}

std::string url_of(const Settings& settings, uint16_t port) {
  const bool ipv6 = settings.host.find(':') != std::string::npos;
  return fmt::format(fmt::runtime(ipv6 ? "{}://[{}]:{}{}" : "{}://{}:{}{}"),
                     settings.ssl_certfile.empty() ? "http" : "https", settings.host, port,
                     settings.root_path);
}

// Of all models; what is set for all of them is said once.
Status warn_of_effects(const std::vector<Settings>& models) {
  std::set<std::string> said;
  for (const Settings& model : models) {
    CHASQUI_TRY(const std::vector<std::string> warnings, check_effects(model));
    for (const std::string& warning : warnings) {
      if (said.insert(warning).second) spdlog::warn("{}", warning);
    }
  }
  return {};
}

Status serve(const SettingOptions& options) {
  CHASQUI_TRY(const Configuration configuration, options.resolve_models());
  const Settings& settings = configuration.settings;
  if (settings.verbose) spdlog::set_level(spdlog::level::debug);
  if (model_id(configuration.models.front()).empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "no model: give --model FILE.gguf or --hf_model_repo_id ORG/NAME (./dev serve "
                "brings the demo model)",
                "model");
  }
  for (const std::string& note : configuration.notes) spdlog::warn("{}", note);
  CHASQUI_TRY_STATUS(warn_of_effects(configuration.models));
  CHASQUI_TRY(api::ApiKeys::Keys first_keys, read_keys(settings));
  const bool is_open = first_keys.empty();
  const auto metrics = std::make_shared<api::HttpMetrics>();
  http::ServerOptions http_options = server_options(settings, metrics);
  CHASQUI_TRY_STATUS(fit_file_limit(http_options));
  CHASQUI_TRY_STATUS(http::check_startable(http_options));
  return_large_blocks();
  const auto keys = std::make_shared<api::ApiKeys>(std::move(first_keys));
  const Signals signals(!settings.ssl_certfile.empty() || !settings.api_key_file.empty());
  std::vector<api::ServedModel> models;
  for (const Settings& model : configuration.models) {
    CHASQUI_TRY(const std::string path, find_model(model));
    CHASQUI_TRY(api::ServedModel served, start_serving(path, model));
    models.push_back(std::move(served));
  }
  api::Service service(
      std::move(models),
      {.root_path = settings.root_path, .needs_key = !is_open, .http_metrics = metrics});
  http::Router router;
  CHASQUI_TRY_STATUS(api::register_endpoints(router, service));
  if (!is_open) api::require_key(router, keys, settings.open_paths);
  if (configuration.models.front().vocab_only) refuse_computing(router);
  http::Server server(std::move(http_options), std::move(router));
  CHASQUI_TRY(const uint16_t port, server.start());
  spdlog::info("serving on {}", url_of(settings, port));

  while (signals.wait() == SIGHUP) read_again(settings, server, *keys);
  signals.arm_second();
  spdlog::info("stopping: running requests may take up to {} s; once more ends at once",
               settings.drain_seconds);
  service.drain();
  if (!server.drain(std::chrono::seconds(settings.drain_seconds))) {
    spdlog::warn("requests were cut off after {} s", settings.drain_seconds);
    service.stop();
    server.drain(kLastWords);
  }
  server.stop();
  return {};
}

}  // namespace

Action declare_serve(CLI::App& parser) {
  auto options = SettingOptions::add(parser);
  parser.footer(
      "Every option is also an environment variable (CHASQUI_N_CTX, or N_CTX) and a key "
      "of the config file.");
  return [options] { return serve(*options); };
}

}  // namespace chasqui::app
