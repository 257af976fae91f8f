#include "worker/wire/document.h"

#include "worker/wire/fault.h"
#include "worker/wire/fields.h"

namespace ocellus::wire {
namespace {

using nlohmann::json;

void CheckVersion(const Document& document, Fields* fields) {
  if (document.version >= 1 && document.version <= kVersion + 1) return;
  fields->Fail("version " + std::to_string(document.version) + " is not spoken here (1 to " +
               std::to_string(kVersion + 1) + " are): install agent and trainer of one release");
}

void CheckRanges(const Document& document, Fields* fields) {
  if (document.world < 1) fields->Fail("world is not positive");
  if (document.rank < 0 || document.rank >= document.world) fields->Fail("rank is not below world");
  if (document.master_port < 0 || document.master_port > 65535) fields->Fail("bad master_port");
  if (document.device != "cpu" && document.device != "cuda")
    fields->Fail("device is not cpu or cuda");
  if (!document.spec.is_object()) fields->Fail("spec is not an object");
}

void ReadCheckpoint(const json& value, CheckpointSettings* out, Fields* outer) {
  Fields fields(value, "checkpoint");
  std::string commit;
  fields.Read("every_steps", &out->every_steps);
  fields.Read("keep", &out->keep);
  fields.Read("keep_every_steps", &out->keep_every_steps);
  fields.Read("commit", &commit);
  fields.ReadIfThere("keep_best", &out->keep_best);
  fields.ReadIfThere("best_metric", &out->best_metric);
  fields.ReadIfThere("auto_interval", &out->auto_interval);
  fields.ReadIfThere("fault_interval_s", &out->fault_interval_s);
  fields.ReadIfThere("memory_copy", &out->memory_copy);
  fields.ReadIfThere("memory_every_steps", &out->memory_every_steps);
  if (commit != "agent" && commit != "self") fields.Fail("commit is not agent or self");
  out->commit = commit == "self" ? Commit::kSelf : Commit::kAgent;
  if (!fields.ok()) outer->Fail(fields.error());
}

void ReadRestore(const json& value, std::vector<RestorePoint>* out, Fields* outer) {
  if (!value.is_array()) return outer->Fail("restore is not a list");
  for (const json& item : value) {
    Fields fields(item, "restore");
    RestorePoint point;
    fields.Read("step", &point.step);
    fields.Read("uri", &point.uri);
    if (!fields.ok()) return outer->Fail(fields.error());
    out->push_back(point);
  }
}

void ReadMemory(const json& document, MemoryCopy* out, Fields* outer) {
  const auto found = document.find("memory");
  if (found == document.end()) return;
  Fields fields(*found, "memory");
  fields.Read("fd", &out->fd);
  fields.Read("generation", &out->generation);
  if (!fields.ok()) outer->Fail(fields.error());
}

json PrintCheckpoint(const CheckpointSettings& checkpoint) {
  return {{"every_steps", checkpoint.every_steps},
          {"keep", checkpoint.keep},
          {"keep_every_steps", checkpoint.keep_every_steps},
          {"keep_best", checkpoint.keep_best},
          {"best_metric", checkpoint.best_metric},
          {"auto_interval", checkpoint.auto_interval},
          {"fault_interval_s", checkpoint.fault_interval_s},
          {"memory_copy", checkpoint.memory_copy},
          {"memory_every_steps", checkpoint.memory_every_steps},
          {"commit", checkpoint.commit == Commit::kSelf ? "self" : "agent"}};
}

}  // namespace

std::optional<Document> ParseDocument(const std::string& line, std::string* error) {
  const auto object = ParseObject(line, error);
  if (!object) {
    *error = "document: " + *error;
    return std::nullopt;
  }
  Document document;
  Fields fields(*object, "document");
  fields.Read("version", &document.version);
  CheckVersion(document, &fields);
  fields.Read("job", &document.job);
  fields.Read("name", &document.name);
  fields.Read("project", &document.project);
  fields.Read("generation", &document.generation);
  fields.Read("rank", &document.rank);
  fields.Read("world", &document.world);
  fields.Read("local_rank", &document.local_rank);
  fields.Read("master_addr", &document.master_addr);
  fields.Read("master_port", &document.master_port);
  fields.Read("device", &document.device);
  fields.Read("gpu", &document.gpu);
  fields.Read("threads", &document.threads);
  document.spec = fields.Child("spec");
  fields.Read("store", &document.store);
  fields.Read("prefix", &document.prefix);
  ReadCheckpoint(fields.Child("checkpoint"), &document.checkpoint, &fields);
  ReadRestore(fields.Child("restore"), &document.restore, &fields);
  ReadMemory(*object, &document.memory, &fields);
  CheckRanges(document, &fields);
  if (fields.ok()) return document;
  *error = fields.error();
  return std::nullopt;
}

Document RequireDocument(const std::string& line) {
  std::string error;
  auto document = ParseDocument(line, &error);
  if (document) return *std::move(document);
  throw Fault(FaultClass::kUnknown, "INTERNAL", error,
              "ocellus-worker writes this line; use the ocellus-worker and ocellus-trainer of one "
              "release, or `ocellus-trainer run` to train by hand");
}

std::string Print(const Document& document) {
  json restore = json::array();
  for (const RestorePoint& point : document.restore) {
    restore.push_back({{"step", point.step}, {"uri", point.uri}});
  }
  return PrintObject(
      {{"version", document.version},
       {"job", document.job},
       {"name", document.name},
       {"project", document.project},
       {"generation", document.generation},
       {"rank", document.rank},
       {"world", document.world},
       {"local_rank", document.local_rank},
       {"master_addr", document.master_addr},
       {"master_port", document.master_port},
       {"device", document.device},
       {"gpu", document.gpu},
       {"threads", document.threads},
       {"spec", document.spec},
       {"store", document.store},
       {"prefix", document.prefix},
       {"checkpoint", PrintCheckpoint(document.checkpoint)},
       {"restore", restore},
       {"memory", {{"fd", document.memory.fd}, {"generation", document.memory.generation}}}});
}

}  // namespace ocellus::wire
