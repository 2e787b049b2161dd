// Every key of mosquitto.conf (2.0, and what 2.1 adds), and what becomes of it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace martlet::server::mosquitto {

// What a key belongs to.
enum class Scope : std::uint8_t {
  global,
  security,  // global, or with per_listener_settings the listener above it
  listener,
  plugin,
  bridge,
};

enum class Fate : std::uint8_t {
  kept,      // Martlet has the same
  changed,   // Martlet has something near
  no_equal,  // it is left out
};

struct Key {
  std::string_view name;  // one that ends with "_" stands for all that begin with it
  Scope scope = Scope::global;
  Fate fate = Fate::kept;  // usual; a value may make it worse
  // What is otherwise, or why there is no equal and what to do instead; of what is kept what it is called.
  std::string_view note = {};
  bool secret = false;  // its value is never shown
};

std::span<const Key> keys();
std::span<const std::string_view> key_names();
// Null if there is no such key.
const Key* find_key(std::string_view name);

}  // namespace martlet::server::mosquitto
