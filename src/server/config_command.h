// `martlet config`: for developers, renews the documentation of the options.
#pragma once

namespace martlet::server {

// `config docs` prints the options as Markdown; `config docs FILE` rewrites that part of the page FILE. Returns the
// exit code.
int config_main(int argc, char** argv);

}  // namespace martlet::server
