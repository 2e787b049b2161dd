#include "server/admission/record_table.h"

namespace martlet::server {

AdmissionRecord* RecordTable::find(std::uint64_t key) {
  const auto at = by_key_.find(key);
  return at == by_key_.end() ? nullptr : &*at->second.at;
}

AdmissionRecord& RecordTable::touch(std::uint64_t key) {
  if (AdmissionRecord* record = find(key)) return *record;
  std::list<AdmissionRecord>& list = lists_[light];
  list.emplace_front().key = key;
  by_key_[key] = {list.begin(), light};
  return list.front();
}

RecordTable::Kept RecordTable::kind_of(const AdmissionRecord& record, const Now& now) {
  if (record.held()) return held;
  if (record.banned(now)) return banned;
  return record.marked(now) ? marked : light;
}

void RecordTable::file(Place& place, Kept kind) {
  lists_[kind].splice(lists_[kind].begin(), lists_[place.kind], place.at);
  place.kind = kind;
}

void RecordTable::settle(AdmissionRecord& record, const Now& now) {
  file(by_key_.find(record.key)->second, kind_of(record, now));
  while (unheld() > kMostUnheld) {
    let_expire(now);
    Kept kind = light;
    while (lists_[kind].empty()) kind = kind == light ? marked : banned;
    by_key_.erase(lists_[kind].back().key);
    lists_[kind].pop_back();
  }
}

bool RecordTable::crowded(const Now& now) {
  if (unheld() < kMostUnheld) return false;
  let_expire(now);
  return lists_[light].empty();
}

// What the least recently settled ones did may count no longer.
void RecordTable::let_expire(const Now& now) {
  for (const Kept kind : {banned, marked}) {
    std::list<AdmissionRecord>& list = lists_[kind];
    while (!list.empty()) {
      const Kept due = kind_of(list.back(), now);
      if (due == kind) break;
      file(by_key_.find(list.back().key)->second, due);
    }
  }
}

}  // namespace martlet::server
