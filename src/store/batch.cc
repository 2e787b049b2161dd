#include "store/batch.h"

#include <cstring>
#include <limits>

#include "base/check.h"

namespace martlet::store {
namespace {

// What stands before the key and the value of each operation.
struct Head {
  Position position;
  std::uint32_t key_bytes;
  std::uint32_t value_bytes;
  Operation::Kind kind;
  Table table;
};

}  // namespace

void Batch::append(Position position, ByteView record) {
  add(Operation::Kind::append, Table{}, position, {}, record);
}

void Batch::put(Table table, ByteView key, ByteView value) {
  add(Operation::Kind::put, table, 0, key, value);
}

void Batch::erase(Table table, ByteView key) {
  add(Operation::Kind::erase, table, 0, key, {});
}

void Batch::trim(Position below) {
  add(Operation::Kind::trim, Table{}, below, {}, {});
}

void Batch::add(Operation::Kind kind, Table table, Position position, ByteView key, ByteView value) {
  constexpr std::size_t kMax = std::numeric_limits<std::uint32_t>::max();
  check(key.size() <= kMax && value.size() <= kMax, "one operation holds less than 4 GiB");
  const Head head{position, static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size()), kind,
                  table};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&head);
  buffer_.insert(buffer_.end(), bytes, bytes + sizeof head);
  buffer_.insert(buffer_.end(), key.begin(), key.end());
  buffer_.insert(buffer_.end(), value.begin(), value.end());
  ++operations_;
}

Operation Batch::read(std::size_t& at) const {
  Head head;
  std::memcpy(&head, buffer_.data() + at, sizeof head);
  const std::uint8_t* key = buffer_.data() + at + sizeof head;
  at += sizeof head + head.key_bytes + head.value_bytes;
  return {head.kind, head.table, head.position, {key, head.key_bytes}, {key + head.key_bytes, head.value_bytes}};
}

}  // namespace martlet::store
