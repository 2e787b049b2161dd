// A source that decides about the clients of some listeners only.
#pragma once

#include <memory>
#include <vector>

#include "auth/access_source.h"

namespace martlet::auth {

class AccessListeners final : public AccessSource {
 public:
  // `applies`: by listener_index; a listener beyond them is not meant, broker::kNoListener is.
  AccessListeners(std::shared_ptr<AccessSource> source, std::vector<bool> applies);

  std::string_view name() const override { return source_->name(); }
  bool applies_to(const broker::Actor& actor) const override;
  bool checks_receive() const override { return source_->checks_receive(); }
  AccessOpinion check(const broker::Actor& actor, const AccessQuestion& question) override;
  Explanation explain(const broker::Actor& actor, const AccessQuestion& question) override;

 private:
  std::shared_ptr<AccessSource> source_;
  std::vector<bool> applies_;
};

}  // namespace martlet::auth
