// The authorisation table: one rule for each method, generated from the options in
// proto/ocellus/v1 (tools/access_table). A method without a rule does not compile.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "ocellus/v1/access.pb.h"

namespace ocellus::coordinator {

struct Rule {
  const char* request;  // full name of its type, one of a kind
  const char* method;   // "JobService.CancelJob"
  v1::Role role;
  v1::AccessScope scope;
  bool audited;
  bool streams;
};

const std::vector<Rule>& Rules();

// Of the method that takes this request; the program ends when there is none.
const Rule& RuleOf(const google::protobuf::Message& request);
// By "CancelJob" or "JobService.CancelJob"; NOT_FOUND.
absl::StatusOr<const Rule*> FindRule(const std::string& method);

// The text field of that name, or of that name in field `spec`; empty when it is not there.
std::string FieldOf(const google::protobuf::Message& request, const std::string& name);

// The request as JSON for the audit log: without secret fields and the training document, at most
// 4 KiB.
std::string DescribeRequest(const google::protobuf::Message& request);

}  // namespace ocellus::coordinator
