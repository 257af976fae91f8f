// The environment and the files of AWS's tools: which profile is meant, and what it says.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace ocellus::store {

// A variable of the environment; "" when it is absent. Tests bring their own.
using Environment = std::function<std::string(const std::string& name)>;
Environment ProcessEnvironment();

using Profile = std::map<std::string, std::string>;  // keys in lower case

// INI text: section name to its keys. Lines that are neither, and comments (# ;), are passed over;
// so are indented lines, which are settings of single services.
std::map<std::string, Profile> ParseIni(const std::string& text);

// Profile $AWS_PROFILE, or "default": of $AWS_CONFIG_FILE or ~/.aws/config ("[profile x]"),
// overlaid by $AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials ("[x]"). Empty when there is none.
// A profile that is asked for by name and is nowhere: wire::Fault (user, NO_PROFILE).
Profile LoadProfile(const Environment& environment);

// The text of a small file; nothing when it cannot be read or has more than 1 MiB.
std::optional<std::string> ReadSmallFile(const std::string& path);

}  // namespace ocellus::store
