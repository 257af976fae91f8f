#include "worker/wire/event.h"

#include <array>
#include <map>

#include "worker/wire/fields.h"

namespace ocellus::wire {
namespace {

using nlohmann::json;

// Each body lists its keys once, for reading and for writing: V is Reader or Writer.
template <typename V>
void Visit(V& v, Hello& e) {
  v("version", e.version), v("pid", e.pid), v("trainer_version", e.trainer_version);
}
template <typename V>
void Visit(V& v, Phase& e) {
  v("phase", e.phase);
}
template <typename V>
void Visit(V& v, Step& e) {
  v("step", e.step), v("total_steps", e.total_steps), v("loss", e.loss), v("lr", e.lr);
  v("grad_norm", e.grad_norm), v("samples", e.samples), v("step_s", e.step_s);
  v("data_wait_s", e.data_wait_s), v("collective_wait_s", e.collective_wait_s);
  v("skipped", e.skipped), v("images_per_s", e.images_per_s);
  v("chance_loss", e.chance_loss);
}
template <typename V>
void Visit(V& v, Restored& e) {
  v("step", e.step), v("uri", e.uri);
}
template <typename V>
void Visit(V& v, Damaged& e) {
  v("uri", e.uri), v("fault", e.fault);
}
template <typename V>
void Visit(V& v, CheckpointBegin& e) {
  v("step", e.step);
}
template <typename V>
void Visit(V& v, CheckpointReady& e) {
  v("step", e.step), v("upload_id", e.upload_id), v("manifest", e.manifest);
  v("snapshot_s", e.snapshot_s), v("stall_s", e.stall_s), v("upload_s", e.upload_s);
}
template <typename V>
void Visit(V& v, CheckpointFailed& e) {
  v("step", e.step), v("reason", e.reason);
}
template <typename V>
void Visit(V& v, CheckpointPause& e) {
  v("step", e.step), v("paused", e.paused), v("reason", e.reason);
}
template <typename V>
void Visit(V& v, Artifact& e) {
  v("kind", e.kind), v("uri", e.uri);
}
template <typename V>
void Visit(V& v, Metric& e) {
  v("name", e.name), v("value", e.value), v("step", e.step);
}
template <typename V>
void Visit(V& v, Alarm& e) {
  v("name", e.name), v("step", e.step), v("text", e.text);
}
template <typename V>
void Visit(V& v, Log& e) {
  v("level", e.level), v("text", e.text);
}
template <typename V>
void Visit(V& v, StopAck& e) {
  v("step", e.step);
}
template <typename V>
void Visit(V& v, ExitRecord& e) {
  v("class", e.fault_class), v("outcome", e.outcome), v("message", e.message);
  v("hint", e.hint), v("step", e.step);
}

constexpr std::array kFaultClasses = {
    FaultClass::kNone, FaultClass::kUser,    FaultClass::kInfraProcess, FaultClass::kInfraNode,
    FaultClass::kHang, FaultClass::kStorage, FaultClass::kUnknown};

struct Reader {
  Fields* fields;
  template <typename T>
  void operator()(const char* key, T& value) {
    fields->Read(key, &value);
  }
  // A class that a newer trainer made up is unknown here, not an error.
  void operator()(const char* key, FaultClass& value) {
    std::string name;
    fields->Read(key, &name);
    value = FaultClass::kUnknown;
    for (FaultClass candidate : kFaultClasses) {
      if (name == Name(candidate)) value = candidate;
    }
  }
};

struct Writer {
  json* object;
  template <typename T>
  void operator()(const char* key, T& value) {
    (*object)[key] = value;
  }
  void operator()(const char* key, FaultClass& value) { (*object)[key] = Name(value); }
  void operator()(const char* key, std::optional<double>& value) {
    if (value) (*object)[key] = *value;
  }
};

template <typename T>
EventBody ReadBody(Fields* fields) {
  T body;
  Reader reader{fields};
  Visit(reader, body);
  return body;
}

const std::map<std::string, EventBody (*)(Fields*)>& Readers() {
  static const auto* readers = new std::map<std::string, EventBody (*)(Fields*)>{
      {"hello", ReadBody<Hello>},
      {"phase", ReadBody<Phase>},
      {"step", ReadBody<Step>},
      {"restored", ReadBody<Restored>},
      {"damaged", ReadBody<Damaged>},
      {"checkpoint_begin", ReadBody<CheckpointBegin>},
      {"checkpoint_ready", ReadBody<CheckpointReady>},
      {"checkpoint_failed", ReadBody<CheckpointFailed>},
      {"checkpoint_pause", ReadBody<CheckpointPause>},
      {"artifact", ReadBody<Artifact>},
      {"metric", ReadBody<Metric>},
      {"alarm", ReadBody<Alarm>},
      {"log", ReadBody<Log>},
      {"stop_ack", ReadBody<StopAck>},
      {"exit", ReadBody<ExitRecord>}};
  return *readers;
}

// In the order of EventBody.
constexpr std::array kTypes = {"",
                               "hello",
                               "phase",
                               "step",
                               "restored",
                               "damaged",
                               "checkpoint_begin",
                               "checkpoint_ready",
                               "checkpoint_failed",
                               "checkpoint_pause",
                               "artifact",
                               "metric",
                               "alarm",
                               "log",
                               "stop_ack",
                               "exit"};
static_assert(kTypes.size() == std::variant_size_v<EventBody>);

}  // namespace

std::optional<Event> ParseEvent(const std::string& line, std::string* error) {
  const auto object = ParseObject(line, error);
  if (!object) {
    *error = "event: " + *error;
    return std::nullopt;
  }
  const auto type = object->find("type");
  const std::string name =
      type != object->end() && type->is_string() ? type->get<std::string>() : "";
  Fields fields(*object, "event " + name);
  Event event;
  if (name.empty()) fields.Fail("key 'type' is missing");
  fields.Read("rank", &event.rank);
  fields.Read("at", &event.at);
  const auto reader = Readers().find(name);
  if (reader != Readers().end()) event.body = reader->second(&fields);
  if (fields.ok()) return event;
  *error = fields.error();
  return std::nullopt;
}

std::string Print(const Event& event) {
  json object = {{"type", kTypes[event.body.index()]}, {"rank", event.rank}, {"at", event.at}};
  EventBody copy = event.body;
  std::visit(
      [&](auto& body) {
        Writer writer{&object};
        if constexpr (!std::is_same_v<std::decay_t<decltype(body)>, std::monostate>) {
          Visit(writer, body);
        }
      },
      copy);
  return PrintObject(object);
}

int ExitCode(const ExitRecord& record) {
  if (record.outcome == "SUCCEEDED" || record.outcome == "STOPPED_AT") return 0;
  return record.fault_class == FaultClass::kUser ? 2 : 1;
}

ExitRecord RecordOf(const Fault& fault, int64_t step) {
  return {fault.fault_class(), fault.outcome(), fault.what(), fault.hint(), step};
}

}  // namespace ocellus::wire
