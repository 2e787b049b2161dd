// The rows of [[listener]].
#include <array>

#include "server/config/option_rows.h"
#include "server/config/option_table.h"

namespace martlet::server {
namespace {

// In the order of the enumerations.
constexpr std::string_view kProtocolNames[] = {"mqtt", "ws"};
constexpr std::string_view kVersionNames[] = {"3.1", "3.1.1", "5.0"};
constexpr std::string_view kIdentityNames[] = {"none", "common_name", "subject", "fingerprint"};
constexpr std::string_view kQosNames[] = {"0", "1", "2"};
constexpr std::string_view kTlsNames[] = {"1.2", "1.3"};

template <class Field>
constexpr Option<ListenerConfig> row(Field, const OptionFacts& facts) {
  return make_option<ListenerConfig, Field>(facts);
}

constexpr std::array kListenerOptions = {
    row(
        [](auto& c) -> auto& { return c.address; },
        text("address", "\"127.0.0.1:1883\"",
             "Where to listen: \"host:port\", \"[v6]:port\", \"*:port\", port 0: any, none: 1883; or \"unix:/path\".")),
    row(
        [](auto& c) -> auto& { return c.name; }, text("name", "\"public\"", "Name in logs; without it, the address.")),
    row(
        [](auto& c) -> auto& { return c.interface; },
        text("interface", "\"eth0\"", "Only connections that arrive at this network interface; empty: at any.")),
    row(
        [](auto& c) -> auto& { return c.protocol; },
        choice("protocol", kProtocolNames, "MQTT alone, or MQTT in WebSocket.")),
    row(
        [](auto& c) -> auto& { return c.versions; },
        list("versions", "[\"3.1.1\", \"5.0\"]", "MQTT versions that are accepted; empty: all.", kVersionNames)),
    row(
        [](auto& c) -> auto& { return c.mount_point; },
        text("mount_point", "\"site-1/\"",
             "Put in front of all topics of its clients, who do not see it; the rest of the broker does.")),
    row(
        [](auto& c) -> auto& { return c.proxy_protocol; },
        toggle("proxy_protocol", "Each connection begins with a PROXY header (version 1 or 2) of a load balancer.")),
    row(
        [](auto& c) -> auto& { return c.proxy_trusted; },
        list("proxy_trusted", "[\"10.0.0.0/8\"]",
             "Addresses and networks that may send a PROXY header; empty: all that can connect.")),
    row(
        [](auto& c) -> auto& { return c.max_connections; },
        live(integer("max_connections", 0, kMost, "Clients connected through it at a time; 0: no limit of its own."))),
    row(
        [](auto& c) -> auto& { return c.max_packet_bytes; },
        live(bytes("max_packet_size", kSmallestPacketBytes, kLargestPacketBytes,
                   "In place of limits.max_packet_size."))),
    row(
        [](auto& c) -> auto& { return c.receive_maximum; },
        live(integer("receive_maximum", 1, 65'535, "In place of limits.receive_maximum."))),
    row(
        [](auto& c) -> auto& { return c.topic_alias_maximum; },
        live(integer("topic_alias_maximum", 0, 65'535, "In place of limits.topic_alias_maximum."))),
    row(
        [](auto& c) -> auto& { return c.maximum_qos; },
        choice("maximum_qos", kQosNames, "In place of mqtt.maximum_qos.")),
    row(
        [](auto& c) -> auto& { return c.max_keep_alive_s; },
        live(seconds("keep_alive_max", 1, 65'535, 0, "In place of mqtt.keep_alive_max."))),
    row(
        [](auto& c) -> auto& { return c.retain_available; },
        toggle("retain_available", "In place of mqtt.retain_available.")),
    row(
        [](auto& c) -> auto& { return c.allow_anonymous; },
        live(toggle("allow_anonymous",
                    "Whether clients without user name and password may connect; unset: as auth.allow_anonymous."))),
    row(
        [](auto& c) -> auto& { return c.authentication; },
        live(list("authentication", "[\"staff\", \"devices\"]",
                  "Names of the [[authentication]] tables that are asked, in their order; empty: all; [\"none\"]: "
                  "none, so that "
                  "where allow_anonymous is true everybody is let in, whatever user name and password they have."))),
    row(
        [](auto& c) -> auto& { return c.username_as_client_id; },
        toggle("username_as_client_id", "The user name takes the place of the client identifier.")),
    row(
        [](auto& c) -> auto& { return c.identity; },
        live(choice("identity", kIdentityNames,
                    "Whether a client whose certificate was verified, or that came with a PSK identity, is the user "
                    "that it names, without a password; and which part of the certificate that is."))),
    row(
        [](auto& c) -> auto& { return c.unix_mode; },
        OptionFacts{.name = "unix_mode",
                    .kind = OptionKind::mode,
                    .description = "Permissions of a Unix socket.",
                    .min = 0,
                    .max = 0777}),

    // --- TLS
    row(
        [](auto& c) -> auto& { return c.tls.certificate; },
        live(path("tls.certificate", "\"server.crt\"",
                  "The server's certificate and those that signed it, PEM. With it the listener speaks TLS."))),
    row(
        [](auto& c) -> auto& { return c.tls.key; },
        live(path("tls.key", "\"server.key\"", "Its private key, PEM; empty: in the same file."))),
    row(
        [](auto& c) -> auto& { return c.tls.more_certificates; },
        [] {
          OptionFacts facts = live(list("tls.more_certificates", "[\"example.org.pem\"]",
                                        "Further certificates, each with its key in one file, chosen by the server "
                                        "name that a client asks for."));
          facts.form = TextForm::path;
          return facts;
        }()),
    row(
        [](auto& c) -> auto& { return c.tls.client_ca_file; },
        live(path("tls.client_ca", "\"clients-ca.crt\"", "Who may have signed clients' certificates, PEM."))),
    row(
        [](auto& c) -> auto& { return c.tls.client_ca_dir; },
        live(path("tls.client_ca_dir", "\"ca.d\"", "The same as a directory prepared by openssl rehash."))),
    row(
        [](auto& c) -> auto& { return c.tls.crl_file; },
        live(path("tls.crl", "\"revoked.pem\"", "Revoked client certificates; each authority then needs a list."))),
    row(
        [](auto& c) -> auto& { return c.tls.require_certificate; },
        live(toggle("tls.require_certificate",
                    "A client without a certificate is refused; else one is asked for where there is a "
                    "tls.client_ca, and may be missing."))),
    row(
        [](auto& c) -> auto& { return c.tls.min_version; },
        live(choice("tls.min_version", kTlsNames, "Oldest TLS version that is accepted."))),
    row(
        [](auto& c) -> auto& { return c.tls.max_version; },
        live(choice("tls.max_version", kTlsNames, "Newest TLS version that is offered."))),
    row(
        [](auto& c) -> auto& { return c.tls.ciphers; },
        live(text("tls.ciphers", "\"ECDHE+AESGCM\"", "Ciphers of TLS 1.2, as OpenSSL writes them; empty: its own."))),
    row(
        [](auto& c) -> auto& { return c.tls.cipher_suites; },
        live(text("tls.cipher_suites", "\"TLS_AES_128_GCM_SHA256\"", "The same of TLS 1.3."))),
    row(
        [](auto& c) -> auto& { return c.tls.dh_file; },
        live(path("tls.dh", "\"dh.pem\"", "Parameters for ciphers with DHE; empty: OpenSSL chooses."))),
    row(
        [](auto& c) -> auto& { return c.tls.psk_file; },
        live(path("tls.psk_file", "\"psk.txt\"",
                  "Pre-shared keys, a line identity:hexkey each. With it no certificate is needed."))),
    row(
        [](auto& c) -> auto& { return c.tls.psk_hint; },
        live(text("tls.psk_hint", "\"martlet\"", "Told to clients of TLS 1.2 that use a pre-shared key."))),
    row(
        [](auto& c) -> auto& { return c.tls.key_log_file; },
        path("tls.key_log", "\"keys.log\"",
             "File that gets the secrets of all connections (SSLKEYLOGFILE), to read captured traffic; for debugging "
             "only.")),
    row(
        [](auto& c) -> auto& { return c.tls.session_resumption; },
        live(toggle("tls.session_resumption", "Clients may resume a TLS session without a full handshake."))),

    // --- WebSocket
    row(
        [](auto& c) -> auto& { return c.websocket.path; },
        text("websocket.path", "\"/mqtt\"", "Path that clients have to ask for; \"*\": any.")),
    row(
        [](auto& c) -> auto& { return c.websocket.origins; },
        list("websocket.origins", "[\"https://example.org\"]",
             "Pages whose scripts may connect (the Origin header); empty: any, and clients without one.")),
    row(
        [](auto& c) -> auto& { return c.websocket.max_header_bytes; },
        bytes("websocket.max_header", kKiB, kKiB* kKiB, "Largest header of a WebSocket's request.")),
};

}  // namespace

std::span<const Option<ListenerConfig>> listener_options() {
  return kListenerOptions;
}

}  // namespace martlet::server
