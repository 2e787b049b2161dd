// What waits in a chain, as text.
#pragma once

#include <string>

#include "base/byte_chain.h"

namespace martlet::net::testing {

// Empties `chain`.
inline std::string taken_text(ByteChain& chain) {
  std::string text;
  while (!chain.empty()) {
    ByteView view;
    chain.front(&view, 1);
    text += as_text(view);
    chain.consume(view.size());
  }
  return text;
}

}  // namespace martlet::net::testing
