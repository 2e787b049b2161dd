// The operations of one turn, which become durable together or not at all. One flat buffer; it owns its bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "store/types.h"

namespace martlet::store {

struct Operation {
  enum class Kind : std::uint8_t { append, put, erase, trim };
  Kind kind;
  Table table;        // put, erase
  Position position;  // append: of the record; trim: the lowest position that is kept
  ByteView key;       // put, erase
  ByteView value;     // append: the record; put
};

class Batch {
 public:
  void append(Position position, ByteView record);
  void put(Table table, ByteView key, ByteView value);
  void erase(Table table, ByteView key);
  void trim(Position below);

  bool empty() const { return operations_ == 0; }
  std::size_t operations() const { return operations_; }
  // What it occupies, which is a little more than the bytes that were handed in.
  std::size_t bytes() const { return buffer_.size(); }

  // Calls visit(const Operation&) in the order in which they were added. Views live for the call.
  template <class Visit>
  void for_each(Visit&& visit) const {
    std::size_t at = 0;
    while (at < buffer_.size()) visit(read(at));
  }

 private:
  void add(Operation::Kind kind, Table table, Position position, ByteView key, ByteView value);
  // The operation at offset `at`, which moves behind it.
  Operation read(std::size_t& at) const;

  std::vector<std::uint8_t> buffer_;
  std::size_t operations_ = 0;
};

}  // namespace martlet::store
