// What a key may be (object_store.h).
#pragma once

#include <string>
#include <string_view>

namespace ocellus::store {

// One part between two '/'.
bool IsKeyPart(std::string_view part);

// Throw wire::Fault (storage, "BAD_KEY") naming store and key.
void RequireKey(const std::string& store_uri, const std::string& key);
// A prefix is the beginning of a key: empty, or its last part cut off anywhere.
void RequirePrefix(const std::string& store_uri, const std::string& prefix);

}  // namespace ocellus::store
