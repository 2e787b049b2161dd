// What tests on real sockets are run with: everything that this system offers.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "env/posix/system.h"

namespace martlet::env::testing {

inline std::vector<posix::Polling> pollings() {
  std::vector<posix::Polling> offered = {posix::Polling::epoll};
  if (posix::make_network(posix::Polling::io_uring)) offered.push_back(posix::Polling::io_uring);
  return offered;
}

inline std::string polling_name(const ::testing::TestParamInfo<posix::Polling>& tested) {
  return tested.param == posix::Polling::epoll ? "epoll" : "io_uring";
}

}  // namespace martlet::env::testing
