// What became of deliveries.
#include "broker/broker.h"

namespace martlet::broker {

using session::Delivery;
using session::DropReason;
using wire::QoS;

void Broker::on_finished(Session& session, const session::DeliveryFinished& finished, const Now& now) {
  const std::string_view topic = finished.delivery.message->topic();
  if (wire::is_failure(finished.reason)) {
    verdicts_.record({VerdictReason::refused_by_receiver, session.client_id, topic, wire::reason_text(finished.reason)},
                     now);
  } else {
    verdicts_.record({VerdictReason::acknowledged, session.client_id, topic, ""}, now);
  }
  this->finished(session, finished.delivery, now);
}

void Broker::sent(const Delivery& delivery) {
  ++counters_.publish_sent;
  counters_.publish_bytes_sent += delivery.message->payload().size();
  verdicts_.record({VerdictReason::delivered, observed_session_->client_id, delivery.message->topic(), ""},
                   *observed_now_);
}

void Broker::queued(const Delivery& delivery) {
  verdicts_.record({VerdictReason::queued, observed_session_->client_id, delivery.message->topic(), ""},
                   *observed_now_);
}

void Broker::dropped(const Delivery& delivery, DropReason reason) {
  ++counters_.publish_dropped;
  // An older copy of the same message, through another subscription, may be what gives way.
  if (delivery.message.get() == routed_ && delivery.position == routed_position_) {
    routed_dropped_ = true;  // nobody has been told yet that it is owed
    // Its position may become another message's; no exchange must be left there.
    const bool unsendable = reason == DropReason::too_large || reason == DropReason::hidden;
    if (unsendable && delivery.qos == QoS::exactly_once && delivery.position != 0) {
      ports_.records.append(OutgoingChanged{observed_session_->key, delivery.position, 0, ExchangeState::forgotten});
    }
  } else if (Session* session = sessions_.find(observed_session_->number)) {
    finished(*session, delivery, *observed_now_);
  }
  Verdict verdict{VerdictReason::expired, observed_session_->client_id, delivery.message->topic(), ""};
  switch (reason) {
    case DropReason::expired:
      verdict.rule = "MQTT-3.3.2-5";
      break;
    case DropReason::queue_full:
      verdict.reason = VerdictReason::queue_full;
      verdict.rule = "limits.max_queued_messages or limits.max_queued_bytes";
      break;
    case DropReason::too_large:
      verdict.reason = VerdictReason::too_large;
      verdict.rule = "MQTT-3.1.2-25";
      break;
    case DropReason::offline:
      verdict.reason = VerdictReason::offline;
      verdict.rule = "QoS 0 is not kept for an offline session";
      break;
    case DropReason::hidden:
      verdict.reason = VerdictReason::denied;
      verdict.rule = "the topic lies outside the mount point of the client's listener";
      break;
  }
  verdicts_.record(verdict, *observed_now_);
}

}  // namespace martlet::broker
