// Request bodies to engine requests: prompts tokenised, ids checked against the vocabulary, the
// answer's length fitted into the context. Runs on the preparation pool; pure but for its cost.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "api/internal/requests.h"
#include "api/service.h"
#include "engine/request.h"

namespace chasqui::api {

// One prompt of a request, ready.
struct PlannedPrompt {
  std::vector<int32_t> tokens;
  std::string text;        // as sent, for echo; of token ids their text
  bool bos_added = false;  // tokens[0] is a BOS that the caller did not write
};

// What the engine is asked, apart from the sinks.
struct Plan {
  std::vector<PlannedPrompt> prompts;
  // prompts x copies, prompt by prompt: requests[p * copies + j].
  std::vector<engine::Request> requests;
  int copies = 1;            // best_of
  bool infills = false;      // the suffix is in the prompts: it is not shown behind the answers
  chat::OutputStyle output;  // of a chat: how its answers are to be read
};

// Errors: kInvalidArgument naming the field; kContextLength in the words of the replaced server,
// with `param` "prompt" or "messages".
Result<Plan> plan_completion(const ModelContext& context, const CompletionBody& body);
Result<Plan> plan_chat(const ModelContext& context, const ChatBody& body);

// Whether the vocabulary has a token of that id; `path` names the field.
Status check_token(const text::Vocab& vocab, int64_t id, const std::string& path);
// All of `ids`, as the engine takes them; errors name "path[i]".
Result<std::vector<int32_t>> check_tokens(const text::Vocab& vocab, std::span<const int64_t> ids,
                                          const std::string& path);

// A token stands for at most so many bytes of text.
size_t bytes_of_token(const ModelContext& context);

// Seed of copy `index` of a request with `seed`: copy 0 is the request as it would run alone.
uint64_t derived_seed(uint64_t seed, uint64_t index);

}  // namespace chasqui::api
