// Messages that are given out in parts.
#include "broker/broker.h"

namespace martlet::broker {

using session::Delivery;

void Broker::deliver_later(const session::MessageRef& message, std::span<const Target> targets) {
  const session::MessageFacts& facts = message->facts();
  FanOut later;
  later.message = message;
  for (const Target& target : targets) {
    if (!may_wait(target, facts) || (origin_.key != 0 && !is_addressed(*target.session))) continue;
    later.add(*target.session, router_.identifiers_of(target), granted(facts.qos, target.qos),
              facts.retain && target.retain_as_published);
  }
  if (!later.targets.empty()) fan_outs_.push(std::move(later));
}

// Not what a record of this turn names, nor what goes to one member of a group.
bool Broker::may_wait(const Target& target, const session::MessageFacts& facts) const {
  if (!target.session) return false;
  return owed_position_ == 0 || target.session->key == 0 || granted(facts.qos, target.qos) == wire::QoS::at_most_once;
}

void Broker::give_part(const Now& now) {
  if (fan_outs_.empty()) return;
  // Who sent such a message in this turn is not read on until it is given out.
  for (const FanOut& fan_out : fan_outs_.waiting()) hold(fan_out, true, now);
  for (const FanOut& fan_out : fan_outs_.begin_part(options_.fan_out_part)) {
    begin_owed(fan_out.message);
    Delivery delivery;
    delivery.message = fan_out.message;
    for (const FanOut::Target& target : fan_out.targets) {
      if (!fan_outs_.is_due(target)) continue;
      Session* session = sessions_.find(target.session);
      if (!session || session->generation != target.generation) continue;
      delivery.identifiers = session::SubscriptionIdentifiers(fan_out.identifiers_of(target));
      delivery.qos = target.qos;
      delivery.retain = target.retain;
      deliver_owed(*session, delivery, now);
    }
    append_owed(fan_out.message, 0, 0);
  }
  for (const FanOut& fan_out : fan_outs_.end_part()) hold(fan_out, false, now);
}

void Broker::hold(const FanOut& fan_out, bool held, const Now& now) {
  Connection* connection = fan_out.publisher ? find(*fan_out.publisher) : nullptr;
  if (!connection) return;
  connection->fans_out = held;
  if (!held) connection->endpoint.reading_resumed(now);
}

}  // namespace martlet::broker
