// chasqui_peer_model CASE.json OUT.gguf: the model that a case describes, for tools/peer_logits.py.
#include <cstdio>
#include <exception>

#include "support/peer_case.h"

int main(int count, char** arguments) {
  if (count != 3) {
    std::fputs("usage: chasqui_peer_model CASE.json OUT.gguf\n", stderr);
    return 2;
  }
  try {
    chasqui::testing::write_peer_model(chasqui::testing::read_peer_case(arguments[1]),
                                       arguments[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", arguments[1], error.what());
    return 1;
  }
  return 0;
}
