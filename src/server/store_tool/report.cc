#include "server/store_tool/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "base/printable.h"
#include "server/log.h"

namespace martlet::server {
namespace {

using Named = std::pair<std::uint64_t, const SessionFigures*>;  // key of the session

struct FileBytes {
  std::uint64_t tables = 0;
  std::uint64_t write_ahead = 0;
};

FileBytes bytes_of(const std::vector<store::StoreFile>& files) {
  FileBytes bytes;
  for (const store::StoreFile& file : files) (file.table.empty() ? bytes.write_ahead : bytes.tables) += file.bytes;
  return bytes;
}

std::uint64_t file_bytes(const std::vector<store::StoreFile>& files, std::string_view table) {
  std::uint64_t bytes = 0;
  for (const store::StoreFile& file : files) bytes += file.table == table ? file.bytes : 0;
  return bytes;
}

struct Totals {
  std::uint64_t owed = 0;
  std::uint64_t owing_sessions = 0;
  std::uint64_t connected = 0;
  std::uint64_t lag = 0;  // of the cursor that is furthest behind
};

Totals totals_of(const Survey& survey) {
  Totals totals;
  for (const auto& [key, session] : survey.sessions) {
    totals.owed += session.owed;
    totals.owing_sessions += session.owed > 0 ? 1 : 0;
    totals.connected += session.away_since_wall_ms == 0 ? 1 : 0;
    if (session.owed > 0 && session.cursor < survey.end) totals.lag = std::max(totals.lag, survey.end - session.cursor);
  }
  return totals;
}

std::vector<Named> most_owed(const Survey& survey, std::uint64_t top) {
  std::vector<Named> sessions;
  for (const auto& [key, session] : survey.sessions) {
    if (session.owed > 0) sessions.emplace_back(key, &session);
  }
  std::ranges::stable_sort(sessions, [](const Named& a, const Named& b) { return a.second->owed > b.second->owed; });
  if (sessions.size() > top) sessions.resize(top);
  return sessions;
}

std::string away_text(std::int64_t since_wall_ms) {
  return since_wall_ms == 0 ? "connected at the end" : "away since " + utc_text(since_wall_ms);
}

}  // namespace

std::string size_text(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 4> kUnits = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  double size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < kUnits.size(); ++unit) size /= 1024;
  return fmt::format("{:.1f} {}", size, kUnits[unit]);
}

std::string report_text(const Survey& survey, const std::vector<store::StoreFile>& files, std::uint64_t top) {
  const FileBytes bytes = bytes_of(files);
  const Totals totals = totals_of(survey);
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("{:<15} {}\n", name, value);
  };
  line("on disk",
       fmt::format("{} in tables, {} in write-ahead logs", size_text(bytes.tables), size_text(bytes.write_ahead)));
  line("log", survey.records == 0
                  ? fmt::format("empty; the next position is {}", survey.end)
                  : fmt::format("{} records, {}, positions {} to {}, {} of them handed over", survey.records,
                                size_text(survey.record_bytes), survey.first, survey.end - 1, survey.handed_over));
  if (survey.oldest_wall_ms != 0) line("oldest record", "received " + utc_text(survey.oldest_wall_ms));
  line("sessions", fmt::format("{}, of them {} connected at the end", survey.sessions.size(), totals.connected));
  line("owed", fmt::format("{} messages to {} sessions; the last cursor is {} positions behind", totals.owed,
                           totals.owing_sessions, totals.lag));
  line("exchanges", fmt::format("QoS 2: {} incoming, {} outgoing", survey.incoming, survey.outgoing));
  if (survey.left_over > 0)
    line("left over", fmt::format("{} pairs of sessions that ended (harmless)", survey.left_over));
  text += fmt::format("\n{:<15} {:>12} {:>12} {:>12}\n", "table", "pairs", "content", "files");
  text += fmt::format("{:<15} {:>12} {:>12} {:>12}\n", "log", survey.records, size_text(survey.record_bytes),
                      size_text(file_bytes(files, "log")));
  for (std::size_t i = 0; i < store::kTables; ++i) {
    const TableFigures& table = survey.tables[i];
    text += fmt::format("{:<15} {:>12} {:>12} {:>12}\n", store::kTableNames[i], table.pairs, size_text(table.bytes),
                        size_text(file_bytes(files, store::kTableNames[i])));
  }
  const std::vector<Named> listed = most_owed(survey, top);
  if (!listed.empty()) text += "\nsessions that are owed most\n";
  for (const auto& [key, session] : listed) {
    const std::string owner = session->client_id.empty() ? "other members, after the end of its client's session"
                                                         : fmt::format("\"{}\"", printable(session->client_id));
    text += fmt::format("  {:>10} messages, {:>10}, from record {} on: {} (session {}, {})\n", session->owed,
                        size_text(session->owed_bytes), session->oldest_owed, owner, key,
                        away_text(session->away_since_wall_ms));
  }
  return text;
}

std::string report_json(const Survey& survey, const std::vector<store::StoreFile>& files, std::uint64_t top) {
  const FileBytes bytes = bytes_of(files);
  const Totals totals = totals_of(survey);
  std::string text = fmt::format(
      "{{\"table_file_bytes\":{},\"write_ahead_log_bytes\":{},\"first\":{},\"end\":{},\"records\":{},\"record_bytes\":{"
      "},"
      "\"handed_over\":{},\"oldest_received_ms\":{},\"sessions\":{},\"connected\":{},\"owed\":{},\"owed_sessions\":{},"
      "\"cursor_lag\":{},\"incoming\":{},\"outgoing\":{},\"left_over\":{},\"damages\":{},\"tables\":{{",
      bytes.tables, bytes.write_ahead, survey.first, survey.end, survey.records, survey.record_bytes,
      survey.handed_over, survey.oldest_wall_ms, survey.sessions.size(), totals.connected, totals.owed,
      totals.owing_sessions, totals.lag, survey.incoming, survey.outgoing, survey.left_over, survey.damages);
  for (std::size_t i = 0; i < store::kTables; ++i) {
    text += fmt::format("{}\"{}\":{{\"pairs\":{},\"bytes\":{},\"file_bytes\":{}}}", i == 0 ? "" : ",",
                        store::kTableNames[i], survey.tables[i].pairs, survey.tables[i].bytes,
                        file_bytes(files, store::kTableNames[i]));
  }
  text += "},\"most_owed\":[";
  bool first = true;
  for (const auto& [key, session] : most_owed(survey, top)) {
    text += first ? "{\"client\":\"" : ",{\"client\":\"";
    first = false;
    append_json_string(text, session->client_id, kAllChars);
    text += fmt::format(
        "\",\"session\":{},\"owed\":{},\"owed_bytes\":{},\"oldest_owed\":{},\"cursor\":{},\"away_since_ms\":{}}}", key,
        session->owed, session->owed_bytes, session->oldest_owed, session->cursor, session->away_since_wall_ms);
  }
  return text + "]}\n";
}

}  // namespace martlet::server
