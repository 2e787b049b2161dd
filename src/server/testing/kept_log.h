// A log that keeps its entries for a test.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "broker/log.h"

namespace martlet::server {

class KeptLog final : public broker::Log {
 public:
  bool wants(broker::LogLevel) const override { return true; }

  std::vector<std::string> lines;
  // "client|address|user|listener" of each, and " NAME=VALUE" for each further fact.
  std::vector<std::string> facts;

 private:
  void put(broker::LogLevel, std::string_view text, const broker::LogSubject& subject) override {
    lines.emplace_back(text);
    std::string line = fmt::format("{}|{}|{}|{}", subject.client, subject.address, subject.user, subject.listener);
    for (const broker::LogField& field : subject.more) {
      if (!field.value.empty()) fmt::format_to(std::back_inserter(line), " {}={}", field.name, field.value);
    }
    facts.push_back(std::move(line));
  }
};

}  // namespace martlet::server
