#include "net/layer_stack.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace martlet::net {
namespace {

// Lets `layer` take all of `from` that it takes.
void pass_down(StreamLayer& layer, ByteChain& from, ByteChain& down) {
  for (std::size_t before = 0; !from.empty() && before != from.size();) {
    before = from.size();
    layer.send(from, before, down);
  }
}

}  // namespace

LayerStack::LayerStack(const LayerFactories& factories, std::string_view peer_address) {
  check(!factories.empty(), "a stack has at least one layer");
  floors_.reserve(factories.size());
  for (LayerFactory* factory : factories) floors_.push_back({factory->make(peer_address), {}});
}

ByteView LayerStack::receive(ByteView bytes, Scratch& scratch, const Judge& judge) {
  check(status_ == LayerStatus::open, "only an open stack receives");
  std::vector<std::uint8_t>* up = &scratch.one;
  std::vector<std::uint8_t>* spare = &scratch.other;
  for (std::size_t i = 0; i < floors_.size() && !bytes.empty(); ++i) {
    up->clear();
    note(floors_[i].layer->receive(bytes, *up, below(i)), i);
    sink(i);
    if (judge && !located_) {
      const std::string_view address = floors_[i].layer->peer_address();
      located_ = !address.empty();
      turned_away_ = located_ && !judge(address);
      if (turned_away_) return {};
    }
    bytes = *up;
    std::swap(up, spare);
  }
  return bytes;
}

void LayerStack::note(LayerStatus status, std::size_t index) {
  // The lowest failed one counts: what is above it cannot be reached any more.
  if (status_ == LayerStatus::failed || status <= status_) return;
  status_ = status;
  failed_floor_ = static_cast<std::uint8_t>(index);
}

void LayerStack::sink(std::size_t index) {
  while (index-- > 0) pass_down(*floors_[index].layer, floors_[index].from_above, below(index));
}

std::size_t LayerStack::send(ByteChain& plain) {
  if (ended_ || status_ == LayerStatus::failed) return 0;
  const std::size_t top = floors_.size() - 1;
  std::size_t taken = 0;
  while (!plain.empty() && wire_.size() < kAheadBytes) {
    const std::size_t before = plain.size();
    floors_[top].layer->send(plain, std::min(before, kAheadBytes - wire_.size()), below(top));
    sink(top);
    if (plain.size() == before) break;
    taken += before - plain.size();
  }
  return taken;
}

void LayerStack::end() {
  if (std::exchange(ended_, true)) return;
  std::size_t floor = status_ == LayerStatus::failed ? failed_floor_ : floors_.size();
  while (floor-- > 0) {
    floors_[floor].layer->end(below(floor));
    sink(floor);
  }
}

bool LayerStack::ready() const {
  return std::all_of(floors_.begin(), floors_.end(), [](const Floor& floor) { return floor.layer->ready(); });
}

bool LayerStack::costly() const {
  return std::any_of(floors_.begin(), floors_.end(), [](const Floor& floor) { return floor.layer->costly(); });
}

std::string_view LayerStack::failure() const {
  return status_ == LayerStatus::failed ? floors_[failed_floor_].layer->failure() : std::string_view();
}

std::shared_ptr<const PeerFacts> LayerStack::facts() {
  if (!facts_ && ready()) {
    auto facts = std::make_shared<PeerFacts>();
    for (const Floor& floor : floors_) floor.layer->tell(*facts);
    facts_ = std::move(facts);
  }
  return facts_;
}

}  // namespace martlet::net
