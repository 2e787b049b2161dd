// What admission remembers of addresses or client identifiers: those that something depends on for as long as it does,
// of the rest a bounded number. Not locked: who owns it does that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

#include "base/time.h"

namespace martlet::server {

struct AdmissionRecord {
  std::uint64_t key = 0;
  double tokens = 0;  // connections that may come now
  std::int64_t tokens_at_ms = 0;
  std::uint32_t connections = 0;
  std::uint32_t checks = 0;           // begun, without an end yet
  std::uint32_t events = 0;           // wrong passwords, or CONNECTs, ...
  std::int64_t events_since_ms = 0;   // ... in the window that began then
  std::int64_t matters_until_ms = 0;  // these, and the bans
  std::int64_t banned_until_ms = 0;
  std::uint32_t bans = 0;  // in a row: each lasts twice as long
  std::string who;         // once banned
  const char* why = "";    // lives for ever

  bool held() const { return connections != 0 || checks != 0; }
  bool banned(const Now& now) const { return banned_until_ms > now.mono_ms; }
  bool marked(const Now& now) const { return matters_until_ms > now.mono_ms; }
};

class RecordTable {
 public:
  // Of those that nothing depends on, or only what they did before: so many at most.
  static constexpr std::size_t kMostUnheld = 16'384;

  AdmissionRecord* find(std::uint64_t key);
  // The record, made if it is missing. settle() has to follow, once it has been changed.
  AdmissionRecord& touch(std::uint64_t key);
  // Keeps the record by what it says now. Then one too many of the unheld ones goes, the least recently settled first:
  // of those that say nothing; without one, of those with events; without one, of the banned. It may be this one.
  void settle(AdmissionRecord& record, const Now& now);
  // True if a new one could only push out what matters.
  bool crowded(const Now& now);

  std::size_t size() const { return by_key_.size(); }
  // Calls `see(AdmissionRecord&)` for each one that may be banned.
  template <typename See>
  void each_suspect(See see) {
    for (AdmissionRecord& record : lists_[held]) see(record);
    for (AdmissionRecord& record : lists_[banned]) see(record);
  }
  template <typename See>
  void each_suspect(See see) const {
    for (const AdmissionRecord& record : lists_[held]) see(record);
    for (const AdmissionRecord& record : lists_[banned]) see(record);
  }

 private:
  // Why a record is kept: the list that it is in, where the most recently settled is first.
  enum Kept : std::uint8_t { light, marked, banned, held };
  static constexpr std::size_t kKinds = 4;
  struct Place {
    std::list<AdmissionRecord>::iterator at;
    Kept kind = light;
  };

  static Kept kind_of(const AdmissionRecord& record, const Now& now);
  void file(Place& place, Kept kind);
  void let_expire(const Now& now);
  std::size_t unheld() const { return by_key_.size() - lists_[held].size(); }

  std::list<AdmissionRecord> lists_[kKinds];
  std::unordered_map<std::uint64_t, Place> by_key_;
};

}  // namespace martlet::server
