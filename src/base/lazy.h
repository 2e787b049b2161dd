// A value whose memory is taken when it is first changed: for what most of many owners never have. 8 bytes until then.
#pragma once

#include <memory>
#include <utility>

namespace martlet {

// Reads as T() while it has no memory. T is movable and default-constructible; `const T` may be read by any thread.
template <class T>
class Lazy {
 public:
  const T& operator*() const { return value_ ? *value_ : kNone; }
  const T* operator->() const { return &**this; }
  // To change it; takes the memory.
  T& make() {
    if (!value_) value_ = std::make_unique<T>();
    return *value_;
  }
  // Moves the value out and gives the memory back.
  T take() {
    T value = value_ ? std::move(*value_) : T();
    value_.reset();
    return value;
  }
  void reset() { value_.reset(); }
  bool has_memory() const { return value_ != nullptr; }

 private:
  static inline const T kNone{};
  std::unique_ptr<T> value_;
};

}  // namespace martlet
