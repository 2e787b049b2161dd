// `martlet acl`: what the rules of who may do what say.
#pragma once

namespace martlet::server {

// `acl explain` says whether a client may do something, and which rule decides; `acl check` what is wrong with a file.
// Returns the exit code: 0 allowed, or the file is in order; 1 denied; 2 bad usage or a bad file.
int acl_main(int argc, char** argv);

}  // namespace martlet::server
