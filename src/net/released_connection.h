// A connection between two reactors.
#pragma once

#include <memory>

#include "env/handle.h"
#include "net/layer_stack.h"

namespace martlet::net {

// The socket is whoever's has it; nobody closes it on destruction. May move to another thread.
struct ReleasedConnection {
  env::Handle handle = env::Handle::none;
  std::unique_ptr<LayerStack> layers;  // none of a plain connection

  explicit operator bool() const { return handle != env::Handle::none; }
};

}  // namespace martlet::net
