// The levels of a topic name or filter: what stands between the slashes, empty levels included.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>

namespace martlet::topic {

// Range over the levels of `text`, without allocation: for (std::string_view level : Levels(text)). Never empty: ""
// is one empty level, "/" two. The views point into `text`.
class Levels {
 public:
  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    explicit Iterator(std::string_view text) : rest_(text) { measure(); }

    std::string_view operator*() const { return rest_.substr(0, length_); }
    Iterator& operator++() {
      if (length_ == rest_.size()) {
        done_ = true;
        return *this;
      }
      rest_.remove_prefix(length_ + 1);
      measure();
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(std::default_sentinel_t) const { return done_; }
    bool operator==(const Iterator& other) const {
      return done_ == other.done_ && rest_.data() == other.rest_.data() && rest_.size() == other.rest_.size();
    }
    // True at the last level.
    bool last() const { return length_ == rest_.size(); }
    // This level and all behind it.
    std::string_view rest() const { return rest_; }

   private:
    void measure() { length_ = std::min(rest_.find('/'), rest_.size()); }

    std::string_view rest_;
    std::size_t length_ = 0;
    bool done_ = false;
  };

  explicit Levels(std::string_view text) : text_(text) {}
  Iterator begin() const { return Iterator(text_); }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::string_view text_;
};

// The number of levels: slashes + 1.
inline std::size_t count_levels(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '/')) + 1;
}

}  // namespace martlet::topic
