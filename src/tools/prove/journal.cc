#include "tools/prove/journal.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

namespace martlet::tools::prove {
namespace {

bool names_message(JournalKind kind) {
  using enum JournalKind;
  return kind == received || kind == acknowledged || kind == refused;
}

bool known(JournalKind kind) {
  using enum JournalKind;
  return names_message(kind) || kind == ready || kind == published || kind == breach || kind == forgotten ||
         kind == error || kind == done;
}

// Takes " <number>" off the front of `text`.
template <class Number>
bool take(std::string_view& text, Number& number) {
  if (!text.starts_with(' ')) return false;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + 1, end, number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return true;
}

}  // namespace

void append_entry(std::string& out, const JournalEntry& entry) {
  out += static_cast<char>(entry.kind);
  const MessageId& id = entry.id;
  if (names_message(entry.kind)) {
    fmt::format_to(std::back_inserter(out), " {} {} {} {}", id.publisher, id.topic, static_cast<int>(id.qos),
                   id.sequence);
  }
  if (!entry.text.empty()) fmt::format_to(std::back_inserter(out), " {}", entry.text);
  out += '\n';
}

std::optional<JournalEntry> parse_entry(std::string_view line) {
  if (line.empty()) return std::nullopt;
  JournalEntry entry{static_cast<JournalKind>(line[0])};
  if (!known(entry.kind)) return std::nullopt;
  line.remove_prefix(1);
  if (names_message(entry.kind)) {
    unsigned qos = 0;
    if (!take(line, entry.id.publisher) || !take(line, entry.id.topic) || !take(line, qos) ||
        !take(line, entry.id.sequence) || qos < 1 || qos > 2) {
      return std::nullopt;
    }
    entry.id.qos = static_cast<wire::QoS>(qos);
  }
  if (line.empty()) return entry;
  if (line[0] != ' ') return std::nullopt;
  entry.text = line.substr(1);
  return entry;
}

}  // namespace martlet::tools::prove
