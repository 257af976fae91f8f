#include "worker/store/s3_address.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "worker/store/encoding.h"
#include "worker/store/object_key.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

constexpr char kForm[] = "give s3://BUCKET/PREFIX?endpoint=https://HOST:PORT&region=REGION";
constexpr char kCredentialsHint[] =
    "credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.aws/credentials, a web "
    "identity or the machine's role";

[[noreturn]] void Refuse(const std::string& why, const std::string& hint = kForm) {
  throw wire::Fault(wire::FaultClass::kUser, "BAD_STORE", "the store's URI: " + why, hint);
}

size_t Number(const std::string& name, const std::string& value, size_t low, size_t high) {
  size_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < low || number > high) {
    Refuse(name + " is " + OneLine(value, 40) + ", not a number from " + std::to_string(low) +
           " to " + std::to_string(high));
  }
  return number;
}

bool IsBucket(const std::string& bucket) {
  return bucket.size() >= 3 && bucket.size() <= 63 &&
         std::all_of(bucket.begin(), bucket.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

std::string FirstOf(std::initializer_list<std::string> texts) {
  for (const std::string& text : texts) {
    if (!text.empty()) return text;
  }
  return "";
}

// "http://host:port" into scheme and host. `uri_host`: of AWS itself when there is no endpoint.
void TakeEndpoint(std::string endpoint, S3Address* address) {
  const size_t scheme_end = endpoint.find("://");
  address->scheme = endpoint.substr(0, scheme_end);
  if (scheme_end == std::string::npos ||
      (address->scheme != "http" && address->scheme != "https")) {
    Refuse("the endpoint must begin with http:// or https://");
  }
  address->host = endpoint.substr(scheme_end + 3);
  if (address->host.find('@') != std::string::npos) {
    Refuse("an endpoint with a user or password is refused", kCredentialsHint);
  }
  while (address->host.ends_with('/')) address->host.pop_back();
  if (address->host.empty() || address->host.find_first_of("/?# \t") != std::string::npos) {
    Refuse("the endpoint must be a host, with a port or without, and no path");
  }
  const std::string own_port = address->scheme == "http" ? ":80" : ":443";
  if (address->host.ends_with(own_port)) {
    address->host.resize(address->host.size() - own_port.size());
  }
}

void TakeSetting(const std::string& name, const std::string& value, std::string* endpoint,
                 std::string* path_style, S3Address* address) {
  if (name == "endpoint") {
    *endpoint = value;
  } else if (name == "region") {
    address->region = value;
  } else if (name == "path_style") {
    if (value != "true" && value != "false") Refuse("path_style is true or false");
    *path_style = value;
  } else if (name == "sign_payload") {
    if (value != "true" && value != "false") Refuse("sign_payload is true or false");
    address->sign_payload = value == "true";
  } else if (name == "timeout_s") {
    address->retry.deadline = std::chrono::seconds(Number(name, value, 1, 86'400));
  } else if (name == "attempts") {
    address->retry.attempts_max = static_cast<int>(Number(name, value, 1, 1'000));
  } else if (name == "parallel") {
    address->parallel = Number(name, value, 1, 64);
  } else if (name == "part_mib") {
    address->part_bytes = Number(name, value, 5, 1'024) << 20;
  } else if (Lower(name).find("key") != std::string::npos ||
             Lower(name).find("token") != std::string::npos) {
    Refuse("credentials in a URI are refused", kCredentialsHint);
  } else {
    Refuse("unknown setting " + OneLine(name, 40),
           "settings are endpoint, region, path_style, timeout_s, attempts, parallel, part_mib, "
           "sign_payload");
  }
}

void TakeBucket(const std::string& place, S3Address* address) {
  const size_t slash = std::min(place.find('/'), place.size());
  address->bucket = place.substr(0, slash);
  if (address->bucket.find('@') != std::string::npos) {
    Refuse("credentials in a URI are refused", kCredentialsHint);
  }
  if (!IsBucket(address->bucket)) {
    Refuse("'" + OneLine(address->bucket, 80) + "' is no bucket's name");
  }
  std::string prefix = place.substr(std::min(slash + 1, place.size()));
  while (prefix.ends_with('/')) prefix.pop_back();
  if (!prefix.empty()) RequireKey("s3://" + address->bucket, prefix);
  address->prefix = prefix.empty() ? "" : prefix + "/";
  address->uri = "s3://" + address->bucket + (prefix.empty() ? "" : "/" + prefix);
  // What would be read otherwise when the URI is parsed again.
  if (prefix.find_first_of("%?") != std::string::npos) {
    address->uri = "s3://" + address->bucket + "/" + PercentEncode(prefix, /*keep_slash=*/true);
  }
}

}  // namespace

std::string S3Address::PathOf(const std::string& object) const {
  return path_style ? "/" + bucket + (object.empty() ? "" : "/" + object) : "/" + object;
}

S3Address ParseS3Uri(const std::string& uri, const Environment& environment,
                     const Profile& profile) {
  S3Address address;
  std::string_view rest(uri);
  if (!rest.starts_with("s3://")) Refuse("it does not begin with s3://");
  rest.remove_prefix(5);
  const size_t question = std::min(rest.find('?'), rest.size());
  TakeBucket(PercentDecode(rest.substr(0, question)), &address);
  std::string endpoint, path_style;
  for (std::string_view query = rest.substr(std::min(question + 1, rest.size())); !query.empty();) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string setting(query.substr(0, end));
    const size_t equals = std::min(setting.find('='), setting.size());
    const std::string value = PercentDecode(setting.substr(std::min(equals + 1, setting.size())));
    TakeSetting(setting.substr(0, equals), value, &endpoint, &path_style, &address);
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  address.uri += question < rest.size() ? rest.substr(question) : "";
  const auto of_profile = [&](const char* name) {
    const auto found = profile.find(name);
    return found == profile.end() ? std::string() : found->second;
  };
  address.region = FirstOf({address.region, environment("AWS_REGION"),
                            environment("AWS_DEFAULT_REGION"), of_profile("region"), "us-east-1"});
  endpoint = FirstOf({endpoint, environment("AWS_ENDPOINT_URL_S3"), environment("AWS_ENDPOINT_URL"),
                      of_profile("endpoint_url")});
  const bool dotted = address.bucket.find('.') != std::string::npos;
  address.path_style = path_style.empty() ? !endpoint.empty() || dotted : path_style == "true";
  TakeEndpoint(endpoint.empty() ? "https://s3." + address.region + ".amazonaws.com" : endpoint,
               &address);
  return address;
}

}  // namespace ocellus::store
