#include "engine/engine.h"

#include <utility>

#include "engine/internal/loop.h"

namespace chasqui::engine {

Engine::Engine(std::unique_ptr<ModelRunner> runner,
               std::shared_ptr<const text::Tokenizer> tokenizer, EngineOptions options,
               std::unique_ptr<ModelRunner> draft)
    : impl_(std::make_unique<Impl>(std::move(runner), std::move(tokenizer), options,
                                   std::move(draft))) {}

Engine::~Engine() = default;

const EngineOptions& Engine::options() const {
  return impl_->options();
}
const text::Tokenizer& Engine::tokenizer() const {
  return impl_->tokenizer();
}
Result<RequestId> Engine::submit(Request request) {
  return impl_->submit(std::move(request));
}
void Engine::cancel(RequestId id) {
  impl_->cancel(id);
}
void Engine::drain() {
  impl_->drain();
}
bool Engine::idle() const {
  return impl_->idle();
}
void Engine::stop() {
  impl_->stop();
}
EngineStats Engine::stats() const {
  return impl_->stats();
}
EngineTimings Engine::timings() const {
  return impl_->timings();
}

}  // namespace chasqui::engine
