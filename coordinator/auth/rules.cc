#include "coordinator/auth/rules.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/redact.h"
#include "coordinator/base/utf8.h"
#include "google/protobuf/util/json_util.h"

namespace ocellus::coordinator {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kDescriptionBytesMax = 4096;
// Large, and another row's business: the job has it.
constexpr char kDocument[] = "training_json";

void RemoveSecrets(Message* message) {
  const auto* reflection = message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->options().GetExtension(v1::secret) || field->name() == kDocument) {
      reflection->ClearField(message, field);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field->is_repeated()) {
      RemoveSecrets(reflection->MutableMessage(message, field));
    }
  }
}

std::string TextOf(const Message& message, const std::string& name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  const bool is_text = field != nullptr && !field->is_repeated() &&
                       field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
  return is_text ? message.GetReflection()->GetString(message, field) : "";
}

}  // namespace

const std::vector<Rule>& Rules() {
  static const auto* const rules = new std::vector<Rule>{
#include "ocellus/v1/access_table.inc"
  };
  return *rules;
}

const Rule& RuleOf(const Message& request) {
  static const auto* const by_request = [] {
    auto* map = new std::map<std::string, const Rule*>;
    for (const Rule& rule : Rules()) map->emplace(rule.request, &rule);
    return map;
  }();
  const auto found = by_request->find(request.GetDescriptor()->full_name());
  if (found == by_request->end()) {
    std::fprintf(stderr, "no rule for %s\n", request.GetDescriptor()->full_name().c_str());
    std::abort();
  }
  return *found->second;
}

absl::StatusOr<const Rule*> FindRule(const std::string& method) {
  for (const Rule& rule : Rules()) {
    if (rule.method == method || absl::EndsWith(rule.method, absl::StrCat(".", method))) {
      return &rule;
    }
  }
  return BadRequest({{"method", absl::StrCat("there is no method ", method)}});
}

std::string FieldOf(const Message& request, const std::string& name) {
  std::string text = TextOf(request, name);
  const FieldDescriptor* spec = request.GetDescriptor()->FindFieldByName("spec");
  if (text.empty() && spec != nullptr && spec->message_type() != nullptr) {
    text = TextOf(request.GetReflection()->GetMessage(request, spec), name);
  }
  return text;
}

std::string DescribeRequest(const Message& request) {
  const std::unique_ptr<Message> copy(request.New());
  copy->CopyFrom(request);
  RemoveSecrets(copy.get());
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(*copy, &text, options).ok()) return "{}";
  text = Redact(text);
  if (text.size() <= kDescriptionBytesMax) return text;
  return std::string(CutUtf8(text, kDescriptionBytesMax)) + "...";
}

}  // namespace ocellus::coordinator
