// The store's tables, as numbered steps forward. A step that was released is never edited; a change
// is a new step. There is no way back: a program refuses a store that is newer than itself.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/state/sqlite.h"

namespace ocellus::coordinator {

// Step i (from 1) leads from version i - 1 to version i.
const std::vector<std::string>& Migrations();

// Applies what is missing, each step in its own transaction with its row in schema_version.
// FAILED_PRECONDITION when the store knows more steps than we do.
absl::Status Migrate(Database& db, const std::vector<std::string>& migrations);

}  // namespace ocellus::coordinator
