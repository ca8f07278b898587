// How one kind of generation answers, as JSON: the object of a whole answer, and the chunks of a
// streamed one. The driver (generation.h) calls it from one thread at a time, the chunks of one
// choice in order: open, delta..., close. What a stream shows, put together, is what the whole
// answer shows.
#pragma once

#include <string>
#include <vector>

#include "api/internal/json_out.h"
#include "engine/request.h"

namespace chasqui::api {

// JSON texts, each the data of one server-sent event.
using Chunks = std::vector<std::string>;

class AnswerShape {
 public:
  virtual ~AnswerShape() = default;

  // `choice`: the index that the client sees. What a choice shows before the first token.
  virtual void open(size_t choice, Chunks& out) = 0;
  virtual void delta(size_t choice, const engine::Event& event, Chunks& out) = 0;
  virtual void close(size_t choice, engine::FinishReason reason, Chunks& out) = 0;
  // The last chunk of a stream with stream_options.include_usage.
  virtual std::string usage_chunk(const engine::Usage& usage) = 0;

  // The whole answer. `choices`: in the order of their indices, each all events of one in one.
  virtual std::string whole(const std::vector<engine::Event>& choices,
                            const engine::Usage& usage) = 0;
};

}  // namespace chasqui::api
