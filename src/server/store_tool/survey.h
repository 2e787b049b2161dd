// One walk over all that a store holds: figures of it, and what is wrong with it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "store/backend.h"
#include "store/types.h"

namespace martlet::server {

struct SessionFigures {
  std::string client_id;
  std::uint32_t expiry_s = 0;
  store::Position cursor = 0;
  std::int64_t away_since_wall_ms = 0;  // 0: connected when the broker ended
  std::uint64_t owed = 0;
  std::uint64_t owed_bytes = 0;  // of payloads
  store::Position oldest_owed = 0;
};

struct TableFigures {
  std::uint64_t pairs = 0;
  std::uint64_t bytes = 0;  // keys and values
};

struct Survey {
  store::Position first = 0;
  store::Position end = 0;
  std::uint64_t records = 0;  // that could be read
  std::uint64_t record_bytes = 0;
  std::uint64_t handed_over = 0;
  std::int64_t oldest_wall_ms = 0;  // when the oldest message of the log was received; 0: none
  std::array<TableFigures, store::kTables> tables;
  std::map<std::uint64_t, SessionFigures> sessions;  // by key
  std::uint64_t incoming = 0;                        // exchanges that were not released
  std::uint64_t outgoing = 0;                        // ... and not finished
  std::uint64_t left_over = 0;                       // pairs of sessions that ended
  std::uint64_t damages = 0;
};

struct SurveyListener {
  // One line for each thing that is wrong.
  std::function<void(const std::string& damage)> damage;
  // How many of how many records were read; called now and then.
  std::function<void(std::uint64_t done, std::uint64_t all)> progress = [](std::uint64_t, std::uint64_t) {};
};

// Reads every record and pair of `store`, decodes it, and compares them with each other.
Survey survey(const store::Reader& store, const SurveyListener& listener);

}  // namespace martlet::server
