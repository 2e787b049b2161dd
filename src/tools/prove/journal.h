// What the publishing process tells the checking one, through a pipe: a line each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tools/prove/payload.h"

namespace martlet::tools::prove {

enum class JournalKind : char {
  ready = 'c',         // all publishers are connected
  published = 'p',     // the last message is handed to its client
  received = 'r',      // PUBREC came
  acknowledged = 'a',  // PUBACK or PUBCOMP came; or PUBREC, and then the broker lost the session
  refused = 'x',       // acknowledged with a reason of failure, `text`: nothing was promised
  breach = 'b',        // the broker broke the protocol, and a publisher left; `text` says how
  forgotten = 'f',     // the broker did not know a publisher's session any more
  error = 'e',         // the run cannot go on; `text` says why
  done = 'd',          // the last line; `text` is how many messages were published
};

struct JournalEntry {
  JournalKind kind = JournalKind::done;
  MessageId id = {};      // of received, acknowledged and refused
  std::string text = {};  // of refused, breach, error and done

  bool operator==(const JournalEntry&) const = default;
};

// Appends the entry as a line.
void append_entry(std::string& out, const JournalEntry& entry);
// Nothing if it is no such line.
std::optional<JournalEntry> parse_entry(std::string_view line);

}  // namespace martlet::tools::prove
