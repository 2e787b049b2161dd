#include "tests/scenario/player.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "wire/decode.h"

namespace martlet::scenario {

using test::TextError;
using test::Value;

namespace {

// Of the trace, in a failure.
constexpr std::size_t kShownLines = 50;
constexpr std::string_view kHoldTickets = "hold tickets";

// "3s" or "500ms".
std::int64_t duration_ms(std::string_view text) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(parsed.ptr, static_cast<std::size_t>(text.data() + text.size() - parsed.ptr));
  if (parsed.ec != std::errc() || (unit != "s" && unit != "ms")) throw TextError("a duration is 3s or 500ms");
  return unit == "s" ? number * 1000 : number;
}

std::string first_word(std::string_view text, std::string& rest) {
  const std::size_t space = std::min(text.find(' '), text.size());
  rest = test::without_comment(text.substr(space));
  return std::string(text.substr(0, space));
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes.substr(0, 64)) text += fmt::format("{:02x} ", static_cast<unsigned char>(c));
  if (bytes.size() > 64) text += fmt::format("...({} bytes)", bytes.size());
  return text;
}

std::string raw_of(const wire::Frame& frame) {
  std::string raw(1, static_cast<char>(frame.first_byte));
  std::size_t length = frame.body.size();
  do {
    raw += static_cast<char>((length & 0x7F) | (length > 0x7F ? 0x80 : 0));
    length >>= 7;
  } while (length > 0);
  return raw.append(as_text(frame.body));
}

}  // namespace

std::optional<Failure> Player::play() {
  try {
    world_.records().keeps_log = holds_tickets(script_.steps);
    play_steps(script_.steps);
    check_end();
  } catch (const TextError& error) {
    std::string message = error.what();
    if (!world_.log().last().empty()) message += fmt::format("\n  broker's last log line: {}", world_.log().last());
    message += "\n  so far:";
    const std::size_t from = trace_.size() > kShownLines ? trace_.size() - kShownLines : 0;
    for (std::size_t i = from; i < trace_.size(); ++i) message += "\n    " + trace_[i];
    return Failure{line_, std::move(message)};
  }
  return std::nullopt;
}

void Player::trace(std::string line) {
  if (trace_.size() >= 2 * kShownLines) trace_.erase(trace_.begin(), trace_.begin() + kShownLines);
  trace_.push_back(fmt::format("{:>4} {:>7}ms  {}", line_, world_.now().mono_ms % 1'000'000, line));
}

void Player::differ(const std::string& what) const {
  throw TextError(what);
}

// What waits for a ticket is in a log, from the first session on.
bool Player::holds_tickets(const std::vector<Step>& steps) {
  return std::any_of(steps.begin(), steps.end(),
                     [](const Step& step) { return step.text == kHoldTickets || holds_tickets(step.block); });
}

void Player::play_steps(const std::vector<Step>& steps) {
  for (const Step& step : steps) play_step(step);
}

void Player::play_step(const Step& step) {
  line_ = step.line;
  std::string rest;
  const std::string word = first_word(step.text, rest);
  if (play_own(word, rest, step)) return;
  play_client(word, rest, step);
}

// Steps that are nobody's: time, tickets, repetition.
bool Player::play_own(const std::string& word, const std::string& rest, const Step& step) {
  if (word == "repeat") {
    repeat(rest, step);
  } else if (word == "wait") {
    trace(step.text);
    world_.advance(duration_ms(rest));
    collect();
  } else if (step.text == kHoldTickets) {
    world_.records().hold();
  } else if (step.text == "release tickets") {
    trace(step.text);
    world_.durable(world_.records().position);
    collect();
  } else if (step.text == "stop holding tickets") {
    world_.records().stop_holding();
  } else if (word == "stop" && rest.empty()) {
    trace(step.text);
    world_.shut_down();
    collect();
  } else if (word == "verdict") {
    verdict(rest);
  } else if (word == "differ") {
    all_differ(rest);
  } else {
    return false;
  }
  return true;
}

// repeat i=1..10 {
void Player::repeat(const std::string& rest, const Step& step) {
  test::LineReader in(rest, variables_);
  const test::Field range = in.field();
  if (range.value.kind != Value::Kind::range || !step.has_block) throw TextError("repeat NAME=LOW..HIGH { ... }");
  for (std::uint64_t i = range.value.number; i <= range.value.high; ++i) {
    variables_[range.name] = Value::of_number(i);
    play_steps(step.block);
  }
  variables_.erase(range.name);
}

// differ $a $b $c: no two of the values are equal.
void Player::all_differ(const std::string& rest) {
  test::LineReader in(rest, variables_);
  std::vector<Value> values;
  while (!in.at_end()) {
    Value value = in.value();
    if (std::find(values.begin(), values.end(), value) != values.end())
      differ("the values do not differ: " + to_text(value));
    values.push_back(std::move(value));
  }
}

// verdict keep_alive_timeout=1: how often that was recorded since the start.
void Player::verdict(const std::string& rest) {
  test::LineReader in(rest, variables_);
  const test::Field wanted = in.field();
  for (std::size_t i = 0; i < broker::kVerdictReasons; ++i) {
    const auto reason = static_cast<broker::VerdictReason>(i);
    if (wanted.name != broker::verdict_name(reason)) continue;
    const std::uint64_t count = world_.broker().verdicts().count(reason);
    const bool is_range = wanted.value.kind == Value::Kind::range;
    const std::uint64_t high = is_range ? wanted.value.high : wanted.value.number;
    if (count < wanted.value.number || count > high) {
      differ(fmt::format("the verdict {} was recorded {} times, not {}", wanted.name, count, to_text(wanted.value)));
    }
    return;
  }
  throw TextError(fmt::format("there is no verdict '{}'", wanted.name));
}

std::size_t Player::client_named(const std::string& name) {
  const auto found = std::find_if(clients_.begin(), clients_.end(), [&](const Client& c) { return c.name == name; });
  if (found != clients_.end()) return static_cast<std::size_t>(found - clients_.begin());
  const bool is_name = !name.empty() && std::isupper(static_cast<unsigned char>(name[0])) != 0 &&
                       std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
  if (!is_name)
    throw TextError(
        fmt::format("'{}' is no step, and no client's name (capital letter, then letters and digits)", name));
  clients_.emplace_back();
  clients_.back().name = name;
  return clients_.size() - 1;
}

void Player::play_client(const std::string& name, const std::string& rest, const Step& step) {
  std::string expanded = name;
  if (name.ends_with("$i")) expanded = name.substr(0, name.size() - 2) + to_text(variables_["i"]);
  const std::size_t client = client_named(expanded);
  std::string line;
  const std::string action = first_word(rest, line);
  if (action == ">") return send(client, line, step);
  if (action == "<") return expect(client, line, step);
  if (rest == "closed") return expect_closed(client);
  if (!play_transport(client, rest)) throw TextError(fmt::format("no action '{}'", action));
}

bool Player::play_transport(std::size_t client, const std::string& action) {
  Client& self = clients_[client];
  if (action == "opens") {
    if (self.open) throw TextError("the client is connected already");
    world_.open(client);
    self.open = true;
    self.framer = wire::Framer(wire::kMaxPacketBytes);
    self.version = wire::ProtocolVersion::v5_0;
  } else if (action == "cut") {
    if (!self.open) throw TextError("the client is not connected");
    collect();
    if (!self.inbox.empty()) differ("this had come before the cut: " + render(self.inbox.front().packet));
    world_.cut(client);
    self.open = false;
  } else if (action == "stops-reading" || action == "reads") {
    if (!self.open) throw TextError("the client is not connected");
    world_.read(client, action == "reads");
  } else {
    return false;
  }
  trace(self.name + " " + action);
  collect();
  return true;
}

std::string Player::bytes_of(std::size_t client, const std::string& line) {
  std::string rest;
  if (first_word(line, rest) == "raw") return test::raw_bytes(rest, variables_);
  return encode_text(test::parse_packet(line, variables_), clients_[client].version);
}

// > PACKET, > raw BYTES, > bytewise PACKET, > together { PACKETS }
void Player::send(std::size_t client, const std::string& line, const Step& step) {
  std::string rest;
  const std::string kind = first_word(line, rest);
  if (!clients_[client].open) play_transport(client, "opens");
  if (world_.closed(client)) differ("the broker had closed the connection");
  if (kind == "together") {
    std::string bytes;
    for (const Step& part : step.block) {
      line_ = part.line;
      trace(clients_[client].name + " > " + part.text);
      bytes += bytes_of(client, part.text);
    }
    world_.send(client, bytes);
  } else if (kind == "bytewise") {
    trace(clients_[client].name + " > " + line);
    for (const char c : bytes_of(client, rest)) world_.send(client, std::string_view(&c, 1));
  } else {
    trace(clients_[client].name + " > " + line);
    world_.send(client, bytes_of(client, line));
  }
  collect();
}

void Player::collect() {
  for (std::size_t client = 0; client < clients_.size(); ++client) {
    if (clients_[client].open) collect(client);
  }
}

void Player::collect(std::size_t client) {
  Client& self = clients_[client];
  const std::string received = world_.take_received(client);
  ByteView input = as_bytes(received);
  for (;;) {
    wire::Frame frame;
    const wire::FrameStatus status = self.framer.next(input, frame);
    if (status == wire::FrameStatus::need_more) return;
    if (status != wire::FrameStatus::frame) differ(self.name + " got bytes that are no packet");
    Received packet;
    packet.raw = raw_of(frame);
    const auto decoded = wire::decode(frame.first_byte, frame.body, self.version, wire::Sender::server);
    if (!decoded) {
      differ(fmt::format("{} got a packet that breaks {}: {}\n    {}", self.name, decoded.error().clause,
                         decoded.error().what, hex(packet.raw)));
    }
    packet.packet = test::describe(*decoded);
    trace(fmt::format("  {} < {}", self.name, render(packet.packet)));
    self.inbox.push_back(std::move(packet));
  }
}

Player::Received Player::take(std::size_t client, const std::string& expected) {
  Client& self = clients_[client];
  if (!self.open) differ("the client is not connected");
  if (self.inbox.empty()) {
    differ(fmt::format("expected: {}\n  actual:   nothing came{}", expected,
                       world_.closed(client) ? ", and the broker closed the connection" : ""));
  }
  Received received = std::move(self.inbox.front());
  self.inbox.pop_front();
  return received;
}

void Player::expect(std::size_t client, const std::string& line, const Step& step) {
  std::string rest;
  const std::string kind = first_word(line, rest);
  if (line == "any-order") return expect_any_order(client, step);
  if (line == "nothing") return expect_nothing(client);
  if (kind == "raw") return expect_raw(client, rest);
  const test::PacketText expected = test::parse_packet(line, variables_);
  const Received received = take(client, line);
  const std::string differs = difference(expected, received.packet, variables_);
  if (differs.empty()) return;
  differ(fmt::format("{}\n  expected: {}\n  actual:   {}", differs, line, render(received.packet)));
}

void Player::expect_any_order(std::size_t client, const Step& step) {
  std::vector<std::string> lines;
  for (const Step& part : step.block) lines.push_back(part.text);
  const std::size_t count = lines.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Received received = take(client, fmt::format("one of {} packets", lines.size()));
    const auto found = std::find_if(lines.begin(), lines.end(), [&](const std::string& line) {
      return difference(test::parse_packet(line, variables_), received.packet, variables_).empty();
    });
    if (found == lines.end()) {
      differ(fmt::format("none of the lines left in the block matches\n  actual:   {}", render(received.packet)));
    }
    lines.erase(found);
  }
}

void Player::expect_raw(std::size_t client, const std::string& line) {
  const std::string wanted = test::raw_bytes(line, variables_);
  const Received received = take(client, line);
  if (received.raw == wanted) return;
  differ(fmt::format("the bytes differ\n  expected: {}\n  actual:   {} ({})", hex(wanted), hex(received.raw),
                     render(received.packet)));
}

void Player::expect_nothing(std::size_t client) {
  Client& self = clients_[client];
  if (!self.open) differ("the client is not connected");
  if (!self.inbox.empty()) differ("expected nothing\n  actual:   " + render(self.inbox.front().packet));
  if (world_.closed(client)) differ("the broker closed the connection");
}

void Player::expect_closed(std::size_t client) {
  Client& self = clients_[client];
  if (!self.open) differ("the client is not connected");
  if (!self.inbox.empty())
    differ("expected the end of the connection\n  actual:   " + render(self.inbox.front().packet));
  if (!world_.closed(client)) differ("the broker did not close the connection");
  trace(self.name + " closed");
  self.open = false;
}

// Whatever came must have been expected.
void Player::check_end() {
  for (std::size_t client = 0; client < clients_.size(); ++client) {
    const Client& self = clients_[client];
    if (!self.inbox.empty()) {
      differ(fmt::format("at the end {} has an unexpected packet: {}", self.name, render(self.inbox.front().packet)));
    }
    if (self.open && world_.closed(client)) differ(fmt::format("the broker closed the connection of {}", self.name));
  }
}

}  // namespace martlet::scenario
