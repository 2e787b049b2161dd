// What the tools return to the shell.
#pragma once

namespace martlet::tools {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitCouldNotRun = 3;  // prove: nothing was shown either way
inline constexpr int kExitTimeout = 27;     // as mosquitto_sub -W

}  // namespace martlet::tools
