#include "worker/store/aws_profile.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "worker/store/encoding.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;

// The sections of the file that `variable` names, else of ~/.aws/`name`.
std::map<std::string, Profile> SectionsOf(const Environment& environment, const char* variable,
                                          const char* name) {
  std::string path = environment(variable);
  if (path.empty()) path = environment("HOME") + "/.aws/" + name;
  if (path.starts_with("~/")) path = environment("HOME") + path.substr(1);
  const auto text = ReadSmallFile(path);
  return text ? ParseIni(*text) : std::map<std::string, Profile>();
}

}  // namespace

Environment ProcessEnvironment() {
  return [](const std::string& name) -> std::string {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? "" : value;
  };
}

std::optional<std::string> ReadSmallFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || static_cast<size_t>(file.gcount()) > kFileBytesMax) return std::nullopt;
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

std::map<std::string, Profile> ParseIni(const std::string& text) {
  std::map<std::string, Profile> sections;
  Profile* section = nullptr;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const bool indented = line.starts_with(' ') || line.starts_with('\t');
    line = Trimmed(line);
    if (line.empty() || indented || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[') {
      section = &sections[Trimmed(std::string_view(line).substr(1, line.find(']') - 1))];
      continue;
    }
    const size_t equals = line.find('=');
    if (section == nullptr || equals == std::string::npos) continue;
    std::string value = line.substr(equals + 1);
    value.resize(std::min({value.size(), value.find(" #"), value.find(" ;")}));
    (*section)[Lower(Trimmed(line.substr(0, equals)))] = Trimmed(value);
  }
  return sections;
}

Profile LoadProfile(const Environment& environment) {
  const std::string wanted = environment("AWS_PROFILE");
  const std::string name = wanted.empty() ? "default" : wanted;
  auto config = SectionsOf(environment, "AWS_CONFIG_FILE", "config");
  auto credentials = SectionsOf(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
  const bool there =
      config.contains(name) || config.contains("profile " + name) || credentials.contains(name);
  if (!there && !wanted.empty()) {
    throw wire::Fault(wire::FaultClass::kUser, "NO_PROFILE",
                      "AWS_PROFILE names '" + OneLine(name, 100) +
                          "', which is in neither the config nor the credentials file",
                      "list them with `aws configure list-profiles`, or unset AWS_PROFILE");
  }
  Profile profile = credentials[name];  // wins
  if (name == "default") profile.merge(config[name]);
  profile.merge(config["profile " + name]);
  return profile;
}

}  // namespace ocellus::store
