#include "worker/checkpoint/manifest.h"

#include <ctime>

#include "worker/checkpoint/slice_name.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

using nlohmann::json;

bool IsPlainName(const std::string& name) {
  return !name.empty() && name[0] != '.' && name.find('/') == std::string::npos &&
         name != kManifestName;
}

bool IsSha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// The value of a key of the right type, else a Fault.
class Reader {
 public:
  Reader(const json& object, const std::string& origin) : object_(object), origin_(origin) {}

  template <typename Value>
  Value Get(const char* key, json::value_t type) const {
    const auto found = object_.find(key);
    if (found == object_.end()) Fail(std::string("lacks '") + key + "'");
    const bool number = type == json::value_t::number_integer && found->is_number_integer();
    if (!number && found->type() != type) Fail(std::string("has a bad '") + key + "'");
    return found->template get<Value>();
  }
  std::string Text(const char* key) const { return Get<std::string>(key, json::value_t::string); }
  int64_t Count(const char* key) const {
    const int64_t value = Get<int64_t>(key, json::value_t::number_integer);
    if (value < 0) Fail(std::string("has a negative '") + key + "'");
    return value;
  }
  [[noreturn]] void Fail(const std::string& cause) const {
    throw wire::Fault(wire::FaultClass::kStorage, "CORRUPT_FILE", origin_ + " " + cause);
  }

 private:
  const json& object_;
  const std::string& origin_;
};

FileEntry ParseFile(const json& entry, const std::string& origin) {
  const Reader reader(entry, origin);
  if (!entry.is_object()) reader.Fail("has a bad entry in 'files'");
  FileEntry file{reader.Text("name"), reader.Count("bytes"), reader.Text("sha256")};
  if (!IsPlainName(file.name)) reader.Fail("names the file '" + file.name + "'");
  if (!IsSha256(file.sha256)) reader.Fail("has a bad 'sha256' for " + file.name);
  return file;
}

}  // namespace

std::string ToText(const Manifest& manifest) {
  json files = json::array();
  int version = 1;
  for (const FileEntry& file : manifest.files) {
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
    if (PlaceOfSlice(file.name)) version = kManifestVersion;
  }
  const json object = {{"version", version},
                       {"job", manifest.job},
                       {"generation", manifest.generation},
                       {"step", manifest.step},
                       {"samples", manifest.samples},
                       {"files", files},
                       {"document", manifest.document},
                       {"state", manifest.state},
                       {"metrics", manifest.metrics},
                       {"created", manifest.created},
                       {"trainer", manifest.trainer}};
  return object.dump();
}

Manifest ParseManifest(const std::string& text, const std::string& origin) {
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  const Reader reader(object, origin);
  if (!object.is_object()) reader.Fail("is no JSON object");
  if (const int64_t version = reader.Count("version"); version < 1 || version > kManifestVersion) {
    reader.Fail("has version " + std::to_string(version) + "; this program reads up to version " +
                std::to_string(kManifestVersion));
  }
  Manifest manifest;
  manifest.job = reader.Text("job");
  manifest.generation = reader.Count("generation");
  manifest.step = reader.Count("step");
  manifest.samples = reader.Count("samples");
  for (const json& entry : reader.Get<json>("files", json::value_t::array)) {
    manifest.files.push_back(ParseFile(entry, origin));
  }
  if (manifest.files.empty()) reader.Fail("names no files");
  manifest.document = reader.Get<json>("document", json::value_t::object);
  manifest.state = object.value("state", json::object());
  manifest.metrics = object.value("metrics", json::object());
  manifest.created = reader.Text("created");
  manifest.trainer = reader.Text("trainer");
  return manifest;
}

std::string RfcTime(int64_t unix_seconds) {
  const std::time_t seconds = unix_seconds;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

std::string CheckpointPrefix(const std::string& job_prefix, int64_t step, int64_t generation,
                             const std::string& id) {
  char part[64];
  std::snprintf(part, sizeof part, "checkpoints/step-%09lld/g%04lld-", static_cast<long long>(step),
                static_cast<long long>(generation));
  return job_prefix + part + id + "/";
}

}  // namespace ocellus::checkpoint
