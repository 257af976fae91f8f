// Writes the authorisation table of every service to stdout, as C++ rows that
// coordinator/auth/rules.cc includes. Ends the build when a method has no rule, or one that its
// request cannot serve.
//
//   access_table ocellus/v1/service.proto ...     those linked into it
//   access_table --descriptors FILE               those of a descriptor set that are not
#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "ocellus/v1/access.pb.h"

namespace {

namespace v1 = ocellus::v1;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

bool HasText(const Descriptor* message, const char* name) {
  const FieldDescriptor* field = message->FindFieldByName(name);
  return field != nullptr && field->cpp_type() == FieldDescriptor::CPPTYPE_STRING &&
         !field->is_repeated();
}

// Whether the request has the field that names where the role is wanted.
bool NamesItsScope(v1::AccessScope scope, const Descriptor* request) {
  const FieldDescriptor* spec = request->FindFieldByName("spec");
  switch (scope) {
    case v1::ACCESS_SCOPE_UNSPECIFIED:
      return false;
    case v1::ACCESS_SCOPE_JOB:
      return HasText(request, "job");
    case v1::ACCESS_SCOPE_NODE:
      return HasText(request, "node");
    case v1::ACCESS_SCOPE_PROJECT:
      return HasText(request, "project") || (spec != nullptr && spec->message_type() != nullptr &&
                                             HasText(spec->message_type(), "project"));
    default:
      return true;
  }
}

// Why there is no usable rule; empty when all is well.
std::string Fault(const MethodDescriptor* method) {
  const bool has = method->options().HasExtension(v1::access);
  const v1::Access& access = method->options().GetExtension(v1::access);
  const bool wants_role = access.scope() == v1::ACCESS_SCOPE_JOB ||
                          access.scope() == v1::ACCESS_SCOPE_PROJECT ||
                          access.scope() == v1::ACCESS_SCOPE_CLUSTER;
  if (!has) return "has no rule: give it option (access) = {role: ..., scope: ...}";
  if (!NamesItsScope(access.scope(), method->input_type())) {
    return "has a scope that its request has no field for (ocellus/v1/access.proto)";
  }
  if (wants_role && access.role() == v1::ROLE_UNSPECIFIED) return "has a scope but no role";
  return "";
}

// Prints the rows of one file; false after a fault.
bool PrintFile(const google::protobuf::FileDescriptor* file, std::set<std::string>* requests) {
  bool sound = true;
  for (int s = 0; s < file->service_count(); ++s) {
    for (int m = 0; m < file->service(s)->method_count(); ++m) {
      const MethodDescriptor* method = file->service(s)->method(m);
      std::string fault = Fault(method);
      if (fault.empty() && !requests->insert(method->input_type()->full_name()).second) {
        fault = "shares its request with another method";
      }
      if (!fault.empty()) {
        std::fprintf(stderr, "%s: %s %s\n", file->name().c_str(), method->full_name().c_str(),
                     fault.c_str());
        sound = false;
        continue;
      }
      const v1::Access& access = method->options().GetExtension(v1::access);
      std::printf("{\"%s\", \"%s.%s\", v1::%s, v1::%s, %s, %s},\n",
                  method->input_type()->full_name().c_str(), method->service()->name().c_str(),
                  method->name().c_str(), v1::Role_Name(access.role()).c_str(),
                  v1::AccessScope_Name(access.scope()).c_str(), access.audited() ? "true" : "false",
                  method->client_streaming() || method->server_streaming() ? "true" : "false");
    }
  }
  return sound;
}

// The files of a descriptor set (protoc --descriptor_set_out) that are ours, in a pool that lives
// on.
std::vector<const google::protobuf::FileDescriptor*> Load(const char* path) {
  google::protobuf::FileDescriptorSet set;
  std::ifstream file(path, std::ios::binary);
  std::vector<const google::protobuf::FileDescriptor*> loaded;
  if (!set.ParseFromIstream(&file)) return loaded;
  auto* pool =
      new google::protobuf::DescriptorPool(google::protobuf::DescriptorPool::generated_pool());
  for (const auto& one : set.file()) {
    if (pool->FindFileByName(one.name()) == nullptr) loaded.push_back(pool->BuildFile(one));
  }
  return loaded;
}

std::vector<const google::protobuf::FileDescriptor*> Linked(const std::vector<std::string>& names) {
  std::vector<const google::protobuf::FileDescriptor*> files;
  for (const std::string& name : names) {
    files.push_back(google::protobuf::DescriptorPool::generated_pool()->FindFileByName(name));
  }
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool from_set = arguments.size() == 2 && arguments[0] == "--descriptors";
  const auto files = from_set ? Load(argv[2]) : Linked(arguments);
  std::set<std::string> requests;
  bool sound = !files.empty();
  for (const auto* file : files) {
    if (file == nullptr) std::fprintf(stderr, "access_table: a file is not there or is broken\n");
    sound = file != nullptr && PrintFile(file, &requests) && sound;
  }
  return sound ? 0 : 1;
}
