// An environment of given variables, for tests.
#pragma once

#include <map>
#include <string>

#include "worker/store/aws_profile.h"

namespace ocellus::store {

inline Environment FakeEnvironment(std::map<std::string, std::string> variables) {
  return [variables](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  };
}

}  // namespace ocellus::store
