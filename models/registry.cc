#include "models/registry.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "worker/wire/fault.h"

namespace ocellus::models {
namespace {

std::map<std::string, ObjectiveFactory>& Registered() {
  static std::map<std::string, ObjectiveFactory> registered;
  return registered;
}

[[noreturn]] void ThrowBadSpec(const std::string& message) {
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", message,
                    "see `ocellus explain objective`");
}

}  // namespace

RegisterObjective::RegisterObjective(const std::string& name, ObjectiveFactory factory) {
  if (Registered().emplace(name, std::move(factory)).second) return;
  std::fprintf(stderr, "two objectives are called '%s'\n", name.c_str());
  std::abort();
}

std::vector<std::string> ObjectiveNames() {
  std::vector<std::string> names;
  for (const auto& [name, factory] : Registered()) names.push_back(name);
  return names;
}

std::unique_ptr<Objective> MakeObjective(const nlohmann::json& document, torch::Device device) {
  const auto section = document.find("objective");
  if (section == document.end() || !section->is_object() || section->size() != 1) {
    ThrowBadSpec("objective: exactly one objective must be named");
  }
  const std::string name = section->begin().key();
  const auto found = Registered().find(name);
  if (found != Registered().end()) return found->second(document, device);

  std::string known;
  for (const std::string& other : ObjectiveNames()) known += (known.empty() ? "" : ", ") + other;
  ThrowBadSpec("objective." + name + ": there is no such objective; known: " + known);
}

}  // namespace ocellus::models
