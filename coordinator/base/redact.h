// Secrets out of text. Everything that Ocellus writes down about a call or a job goes through it:
// log lines, events, audit rows, the lines of ranks.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace ocellus::coordinator {

// `text` with "[redacted]" for each of our tokens ("oct_...", "ocj_..."), private keys in PEM,
// passwords in addresses (scheme://user:password@), and the values of names such as password,
// secret, access_key and token ("name=value", "name: value", "\"name\": \"value\"").
std::string Redact(absl::string_view text);

}  // namespace ocellus::coordinator
