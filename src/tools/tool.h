// What pub and sub have in common: the process around one client. It connects, tells on the standard error output what
// goes wrong, ends on a signal, and knows the exit code.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "client/client.h"
#include "env/posix/system.h"
#include "tools/exit_code.h"
#include "tools/settings.h"

namespace martlet::tools {

// The system as the tools use it.
struct Console {
  std::unique_ptr<env::Clock> clock = env::posix::make_clock();
  std::unique_ptr<env::Entropy> entropy = env::posix::make_entropy();
  std::unique_ptr<env::Files> files = env::posix::make_files();

  void error(std::string_view line) { write(env::Handle::standard_error, line); }
  // False when nobody reads it any more.
  bool write(env::Handle stream, std::string_view text) {
    return files->write_stream(stream, as_bytes(text)).has_value();
  }
};

class ToolProcess : public client::ClientHandler, private client::PacketTrace {
 public:
  ToolProcess(Console& console, const Settings& settings);
  ~ToolProcess() override = default;

  // Runs until the client has stopped; returns the exit code.
  int run();

 protected:
  // Tokens of external_ready().
  static constexpr std::uint32_t kSignalToken = 1;
  static constexpr std::uint32_t kInputToken = 2;

  // Before each turn: may publish, or stop. Returns when it wants to be called next at the latest.
  virtual DeadlineMs before_turn() { return kNever; }
  // A signal asks to end.
  virtual void interrupted() { stop(); }

  // Ends well, with the DISCONNECT that the settings ask for.
  void stop();
  // Ends with `exit_code`.
  void fail_with(int exit_code);
  // One line on the standard error output, unless --quiet.
  void complain(std::string_view line);

  const Settings& settings() const { return settings_; }
  client::Client& client() { return *client_; }
  Console& console() { return console_; }

  // client::ClientHandler
  void refused(const wire::Connack& connack, DeadlineMs retry_at) override;
  void lost(const client::Loss& loss) override;
  void external_ready(std::uint32_t token) override;

 private:
  void sent(const wire::Packet& packet) override;
  void received(const wire::Packet& packet) override;
  std::string retry_text(DeadlineMs retry_at);
  Result<void> open();
  std::string broker_text() const;

  Console& console_;
  const Settings& settings_;
  std::unique_ptr<env::Network> network_;
  std::unique_ptr<env::Signals> signals_;
  std::unique_ptr<client::Client> client_;
  int exit_code_ = kExitDone;
};

// The frame of both mains: options, --help, then `run` on the settings.
int tool_main(Tool tool, int argc, char** argv, int (*run)(Console& console, const Settings& settings));

}  // namespace martlet::tools
