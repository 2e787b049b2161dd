// What `martlet ctl` may ask of a running broker, and what it is answered: one line of JSON each.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "env/clock.h"
#include "server/admission/admission.h"
#include "server/cores/cores.h"
#include "server/reload.h"

namespace martlet::server {

// All outlive whoever asks.
struct ControlParts {
  Cores& cores;
  Admission& admission;
  Reloader& reloader;
  env::Clock& clock;
  std::int64_t started_wall_ms = 0;
  std::function<ReloadReport()> reload;  // with what goes along with it
};

// The steward's thread. Anything may be asked; what is no question is told so.
std::string answer_question(std::string_view question, const ControlParts& parts);

}  // namespace martlet::server
