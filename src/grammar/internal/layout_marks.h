// The marks in a layout's words that a model writes as control tokens.
#pragma once

#include "grammar/layout.h"
#include "grammar/token_table.h"

namespace chasqui::grammar {

// Replaces every mark in <> or [] that is a control token of the vocabulary by that token's
// literal: models are trained to write the token, and never spell it. Marks that end a generation
// cannot stand in a text; at the end of one they are left out, so that the model may end there.
void use_control_tokens(Layout& layout, const TokenTable& tokens);

}  // namespace chasqui::grammar
