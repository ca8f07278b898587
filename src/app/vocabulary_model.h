// A model of which only the vocabulary is loaded (setting vocab_only): text to tokens and back, for
// programs that count and cut prompts beside a server that computes.
#pragma once

#include <string>

#include "api/service.h"
#include "app/settings.h"
#include "base/result.h"
#include "http/router.h"

namespace chasqui::app {

// Tokenizer and chat format of the file; no weights are read. Its engine computes nothing.
Result<api::ServedModel> start_vocabulary(const std::string& path, const Settings& settings);

// Answers 400 to whatever would need weights: every POST that is not below /extras/. Called before
// the router goes to its server.
void refuse_computing(http::Router& router);

}  // namespace chasqui::app
