#include "env/sim/network.h"

#include <algorithm>
#include <cerrno>

#include "base/check.h"

namespace martlet::env::sim {

void SimulatedNetwork::Stream::take(std::size_t count) {
  read += count;
  arrived -= count;
  if (read == bytes.size()) {
    bytes.clear();
    read = 0;
  }
}

void SimulatedNetwork::Stream::carry(std::size_t count) {
  arrived += std::min(count, under_way());
  if (ended && under_way() == 0) end_came = true;
  if (forgotten) take(arrived);
}

// ---- what happens in the world

std::size_t SimulatedNetwork::under_way(LinkId link, To to) const {
  const Link& it = *links_[link];
  const Stream& stream = to == To::server ? it.to_server : it.to_client;
  return stream.under_way() + (stream.ended && !stream.end_came ? 1 : 0);
}

void SimulatedNetwork::carry(LinkId link, To to, std::size_t bytes) {
  Link& it = *links_[link];
  (to == To::server ? it.to_server : it.to_client).carry(bytes);
}

void SimulatedNetwork::cut(LinkId link) {
  Link& it = *links_[link];
  it.cut = true;
  for (Stream* stream : {&it.to_server, &it.to_client}) {
    stream->drop_under_way();
    stream->ended = stream->end_came = true;
  }
}

void SimulatedNetwork::power_cut() {
  for_each([this](LinkId id) { cut(id); });
  listening_ = false;
  drop_waiting();
}

void SimulatedNetwork::process_ended() {
  for_each([this](LinkId id) {
    if (links_[id]->server_open && links_[id]->accepted) close(Handle{static_cast<int>(id) + kFirstLink});
  });
}

void SimulatedNetwork::drop_waiting() {
  for (const LinkId id : waiting_) {
    cut(id);
    links_[id]->server_open = false;
  }
  waiting_.clear();
}

// ---- the clients' side

std::optional<LinkId> SimulatedNetwork::knock() {
  if (!listening_) return std::nullopt;
  const auto free = std::find_if(links_.begin(), links_.end(), [](const auto& link) { return link->free(); });
  const auto id = static_cast<LinkId>(free - links_.begin());
  if (free == links_.end()) {
    links_.push_back(std::make_unique<Link>());
  } else {
    **free = Link();
  }
  waiting_.push_back(id);
  return id;
}

std::size_t SimulatedNetwork::send(LinkId link, ByteView bytes) {
  Link& it = *links_[link];
  if (it.cut || !it.server_open || it.to_server.ended) return bytes.size();  // goes nowhere
  const std::size_t count = std::min(bytes.size(), room(it.to_server));
  it.to_server.bytes.insert(it.to_server.bytes.end(), bytes.begin(),
                            bytes.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

ByteView SimulatedNetwork::arrived(LinkId link) const {
  const Stream& stream = links_[link]->to_client;
  return ByteView(stream.bytes).subspan(stream.read, stream.arrived);
}

void SimulatedNetwork::take(LinkId link, std::size_t bytes) {
  links_[link]->to_client.take(bytes);
}

bool SimulatedNetwork::ended(LinkId link) const {
  const Stream& stream = links_[link]->to_client;
  return stream.end_came && stream.arrived == 0;
}

void SimulatedNetwork::leave(LinkId link) {
  Link& it = *links_[link];
  it.client_open = false;
  it.to_server.ended = true;
  if (it.to_server.under_way() == 0) it.to_server.end_came = true;
  it.to_client.forgotten = true;
  it.to_client.take(it.to_client.arrived);
}

// ---- Network

Result<Handle> SimulatedNetwork::listen(const Endpoint&, const ListenOptions&) {
  check(!listening_, "the simulated host has one listener");
  listening_ = true;
  listener_watched_ = false;
  return Handle{kListener};
}

Accepted SimulatedNetwork::accept(Handle) {
  if (waiting_.empty()) return {};
  const LinkId id = waiting_.front();
  waiting_.pop_front();
  links_[id]->accepted = true;
  Accepted accepted;
  accepted.status = AcceptStatus::accepted;
  accepted.handle = Handle{static_cast<int>(id) + kFirstLink};
  accepted.peer_address = "client";
  return accepted;
}

int SimulatedNetwork::connect_error(Handle handle) {
  return link_of(handle).cut ? ECONNRESET : 0;
}

IoOutcome SimulatedNetwork::read(Handle handle, std::span<std::uint8_t> room) {
  Link& it = link_of(handle);
  Stream& stream = it.to_server;
  const std::size_t count = std::min(room.size(), stream.arrived);
  if (count > 0) {
    copy_bytes(room.data(), ByteView(stream.bytes).subspan(stream.read, count));
    stream.take(count);
    return {IoStatus::ok, count, 0};
  }
  if (it.cut) return {IoStatus::failed, 0, ECONNRESET};
  return {stream.end_came ? IoStatus::closed : IoStatus::would_block, 0, 0};
}

IoOutcome SimulatedNetwork::write(Handle handle, std::span<const ByteView> views) {
  Link& it = link_of(handle);
  if (it.cut) return {IoStatus::failed, 0, ECONNRESET};
  if (!it.client_open && it.to_server.end_came) return {IoStatus::failed, 0, EPIPE};
  std::size_t written = 0;
  it.blocked = false;
  for (const ByteView view : views) {
    const std::size_t count = std::min(view.size(), room(it.to_client));
    it.to_client.bytes.insert(it.to_client.bytes.end(), view.begin(),
                              view.begin() + static_cast<std::ptrdiff_t>(count));
    written += count;
    it.blocked = count < view.size();
    if (it.blocked) break;
  }
  return {written > 0 ? IoStatus::ok : IoStatus::would_block, written, 0};
}

void SimulatedNetwork::end_server_side(Link& link) {
  if (link.to_client.ended) return;
  link.read_all = link.to_server.size() == 0;
  link.to_client.ended = true;
  if (link.to_client.under_way() == 0) link.to_client.end_came = true;
}

void SimulatedNetwork::shutdown_write(Handle handle) {
  end_server_side(link_of(handle));
}

void SimulatedNetwork::close(Handle handle) {
  if (handle == Handle{kListener}) {
    listening_ = false;
    return drop_waiting();
  }
  Link& it = link_of(handle);
  end_server_side(it);
  it.server_open = it.watched = false;
  it.to_server.forgotten = true;
  it.to_server.take(it.to_server.arrived);
}

Result<void> SimulatedNetwork::watch_for(std::uint32_t poller, Handle handle, Interest interest, std::uint64_t token) {
  if (handle == Handle{kListener}) {
    listener_watched_ = true;
    listener_poller_ = poller;
    listener_token_ = token;
    return {};
  }
  Link& it = link_of(handle);
  it.watched = true;
  it.poller = poller;
  it.interest = interest;
  it.token = token;
  return {};
}

void SimulatedNetwork::change(Handle handle, Interest interest, std::uint64_t token) {
  (void)watch(handle, interest, token);
}

void SimulatedNetwork::unwatch(Handle handle) {
  (handle == Handle{kListener} ? listener_watched_ : link_of(handle).watched) = false;
}

std::size_t SimulatedNetwork::wait_for(std::uint32_t poller, std::span<Event> events) {
  std::size_t count = 0;
  const bool listens = listening_ && listener_watched_ && listener_poller_ == poller;
  if (listens && !waiting_.empty()) events[count++] = {listener_token_, true, false, false};
  for (const auto& link : links_) {
    if (count == events.size()) break;
    if (!link->watched || link->poller != poller) continue;
    Event event{link->token, false, false, link->cut};
    event.readable = link->interest.read && (link->to_server.arrived > 0 || link->to_server.end_came);
    const bool deaf = !link->client_open && link->to_server.end_came;
    event.writable = link->interest.write && (link->cut || deaf || room(link->to_client) > 0);
    if (event.readable || event.writable || event.hangup) events[count++] = event;
  }
  return count;
}

}  // namespace martlet::env::sim
