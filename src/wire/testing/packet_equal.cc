#include "wire/testing/packet_equal.h"

namespace martlet::wire {
namespace {

bool same(const Properties& a, const Properties& b) {
  return equal(a.raw(), b.raw()) && a.present() == b.present();
}

bool same(const std::optional<ByteView>& a, const std::optional<ByteView>& b) {
  return a.has_value() == b.has_value() && (!a || equal(*a, *b));
}

bool same(const std::optional<Will>& a, const std::optional<Will>& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a || (a->topic == b->topic && equal(a->payload, b->payload) && a->qos == b->qos && a->retain == b->retain &&
                same(a->properties, b->properties));
}

bool same(const Connect& a, const Connect& b) {
  return a.version == b.version && a.clean_start == b.clean_start && a.keep_alive_s == b.keep_alive_s &&
         a.client_id == b.client_id && same(a.will, b.will) && a.username == b.username &&
         same(a.password, b.password) && same(a.properties, b.properties);
}

bool same(const Connack& a, const Connack& b) {
  return a.session_present == b.session_present && a.reason == b.reason && same(a.properties, b.properties);
}

bool same(const Publish& a, const Publish& b) {
  return a.topic == b.topic && equal(a.payload, b.payload) && a.qos == b.qos && a.dup == b.dup &&
         a.retain == b.retain && a.packet_id == b.packet_id && same(a.properties, b.properties);
}

bool same(const PublishAck& a, const PublishAck& b) {
  return a.type == b.type && a.packet_id == b.packet_id && a.reason == b.reason && same(a.properties, b.properties);
}

bool same(const FilterAck& a, const FilterAck& b) {
  return a.type == b.type && a.packet_id == b.packet_id && equal(a.reasons, b.reasons) &&
         same(a.properties, b.properties);
}

bool same(const Subscribe& a, const Subscribe& b) {
  return a.packet_id == b.packet_id && equal(a.filters.raw(), b.filters.raw()) && same(a.properties, b.properties);
}

bool same(const Unsubscribe& a, const Unsubscribe& b) {
  return a.packet_id == b.packet_id && equal(a.filters.raw(), b.filters.raw()) && same(a.properties, b.properties);
}

bool same(const Disconnect& a, const Disconnect& b) {
  return a.reason == b.reason && same(a.properties, b.properties);
}

bool same(const Auth& a, const Auth& b) {
  return a.reason == b.reason && same(a.properties, b.properties);
}

bool same(const Pingreq&, const Pingreq&) {
  return true;
}

bool same(const Pingresp&, const Pingresp&) {
  return true;
}

}  // namespace

bool same_packet(const Packet& a, const Packet& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&](const auto& body) {
        const auto* other = std::get_if<std::decay_t<decltype(body)>>(&b);
        return other != nullptr && same(body, *other);
      },
      a);
}

}  // namespace martlet::wire
