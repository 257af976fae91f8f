// Early return on an absl::Status that is not OK.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define OCELLUS_RETURN_IF_ERROR(expression)                   \
  do {                                                        \
    if (absl::Status status_ = (expression); !status_.ok()) { \
      return status_;                                         \
    }                                                         \
  } while (false)

// OCELLUS_ASSIGN_OR_RETURN(auto job, ReadJob(id)): the value of a StatusOr, or return its error.
#define OCELLUS_ASSIGN_OR_RETURN(lhs, expression) \
  OCELLUS_ASSIGN_OR_RETURN_IMPL_(OCELLUS_CONCAT_(result_, __LINE__), lhs, expression)

#define OCELLUS_ASSIGN_OR_RETURN_IMPL_(result, lhs, expression) \
  auto result = (expression);                                   \
  if (!result.ok()) {                                           \
    return std::move(result).status();                          \
  }                                                             \
  lhs = *std::move(result)

#define OCELLUS_CONCAT_(a, b) OCELLUS_CONCAT_IMPL_(a, b)
#define OCELLUS_CONCAT_IMPL_(a, b) a##b
