// The clean-up of decoded text that word-wise tokenizers ask for. Pure; any thread.
// Rules: "clean_up_tokenization_spaces" of Hugging Face transformers, as llama.cpp applies them.
#pragma once

#include <string>

namespace chasqui::text {

// In this order: drops a space before ? ! . ,; both spaces around a lone apostrophe; the space
// before 's 'm 're 've.
std::string clean_spaces(std::string text);

}  // namespace chasqui::text
