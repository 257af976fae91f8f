#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "worker/store/credentials.h"
#include "worker/store/encoding.h"
#include "worker/store/xml.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr char kContainerHost[] = "http://169.254.170.2";
constexpr char kInstanceHost[] = "http://169.254.169.254";
constexpr char kInstancePath[] = "/latest/meta-data/iam/security-credentials/";
// A machine that has no metadata service must not wait long for it.
constexpr milliseconds kInstanceTimeout{1'500};
constexpr milliseconds kServiceTimeout{10'000};

// `why` must have no secret in it.
[[noreturn]] void Fail(const std::string& source, const std::string& why, const std::string& hint) {
  throw wire::Fault(wire::FaultClass::kStorage, "NO_CREDENTIALS",
                    "credentials from " + source + ": " + why, hint);
}

std::string ValueOf(const Profile& profile, const char* name) {
  const auto found = profile.find(name);
  return found == profile.end() ? "" : found->second;
}

// The body of a 200, or a Fault. One repetition: these services hiccup at a pod's start.
std::string Ask(const std::string& source, const HttpRequest& request, milliseconds timeout,
                HttpPool* http, const Clock* clock) {
  Backoff backoff({.attempts_max = 4, .deadline = timeout}, clock, 1);
  for (;;) {
    const HttpResponse answer = http->Send(request, backoff.deadline());
    if (answer.transport == Transport::kDone && answer.status == 200) return answer.body;
    const bool lasting = answer.transport == Transport::kDone && answer.status < 500;
    if (!lasting && backoff.Wait()) continue;
    std::string why = answer.trouble;
    if (why.empty()) {
      const auto xml = ParseXml(answer.body);
      const XmlElement* error = xml ? xml->Child("Error") : nullptr;
      why = "HTTP " + std::to_string(answer.status) +
            (error != nullptr
                 ? ", " + OneLine(error->TextOf("Code") + ": " + error->TextOf("Message"))
                 : "");
    }
    Fail(source, why, "look at the role, its trust policy and the token that it is asked with");
  }
}

// The JSON form of containers and instances.
Credentials FromJson(const std::string& source, const std::string& text) {
  const json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto field = [&](const char* name) {
    const bool there = value.is_object() && value.contains(name) && value[name].is_string();
    return there ? value[name].get<std::string>() : std::string();
  };
  Credentials found{field("AccessKeyId"), field("SecretAccessKey"), field("Token"),
                    ParseTime(field("Expiration")), source};
  if (found.access_key.empty() || found.secret_key.empty()) {
    Fail(source, "the answer has no AccessKeyId and SecretAccessKey", "look at the machine's role");
  }
  return found;
}

struct WebIdentity {
  std::string role, token_file, session, sts_endpoint;
};

Credentials Assume(const WebIdentity& identity, HttpPool* http, const Clock* clock) {
  const std::string source = "the web identity";
  const auto token = ReadSmallFile(identity.token_file);
  if (!token || token->empty()) {
    Fail(source, "cannot read " + identity.token_file, "mount the token, or unset AWS_ROLE_ARN");
  }
  const std::string form = CanonicalQuery({{"Action", "AssumeRoleWithWebIdentity"},
                                           {"Version", "2011-06-15"},
                                           {"RoleArn", identity.role},
                                           {"RoleSessionName", identity.session},
                                           {"WebIdentityToken", Trimmed(*token)}});
  HttpRequest request{.method = "POST", .url = identity.sts_endpoint + "/"};
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.body = std::as_bytes(std::span(form));
  const auto xml = ParseXml(Ask(source, request, kServiceTimeout, http, clock));
  const XmlElement* result = xml ? xml->Child("AssumeRoleWithWebIdentityResult") : nullptr;
  const XmlElement* found = result != nullptr ? result->Child("Credentials") : nullptr;
  if (found == nullptr || found->TextOf("AccessKeyId").empty()) {
    Fail(source, "the answer of STS has no credentials", "look at AWS_ENDPOINT_URL_STS");
  }
  return {found->TextOf("AccessKeyId"), found->TextOf("SecretAccessKey"),
          found->TextOf("SessionToken"), ParseTime(found->TextOf("Expiration")), source};
}

std::optional<Credentials> FromKeys(const std::string& access, const std::string& secret,
                                    const std::string& token, const std::string& source) {
  if (access.empty() && secret.empty()) return std::nullopt;
  if (access.empty() || secret.empty()) {
    Fail(source, "one of access key and secret key is missing", "set both, or neither");
  }
  return Credentials{access, secret, token, std::nullopt, source};
}

// Only a service on this machine, or one with a certificate, gets the authorization token.
bool MayAsk(const std::string& url) {
  if (url.find('@') != std::string::npos) return false;
  if (url.starts_with("https://")) return true;
  if (!url.starts_with("http://")) return false;
  const std::string place = url.substr(7, url.find_first_of("/?#", 7) - 7);
  const bool v6 = place.starts_with('[');
  const std::string host =
      v6 ? place.substr(0, place.find(']') + 1) : place.substr(0, place.find(':'));
  const bool numeric = host.find_first_not_of("0123456789.") == std::string::npos;
  constexpr std::array kAllowed = {"localhost", "[::1]", "169.254.170.2", "169.254.170.23",
                                   "[fd00:ec2::23]"};
  return (numeric && host.starts_with("127.")) ||
         std::find(kAllowed.begin(), kAllowed.end(), host) != kAllowed.end();
}

std::optional<Credentials> FromContainer(const Environment& environment, HttpPool* http,
                                         const Clock* clock) {
  const std::string relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const std::string full = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative.empty() && full.empty()) return std::nullopt;
  const std::string source = "the container's service";
  const std::string url = relative.empty() ? full : kContainerHost + relative;
  if (!MayAsk(url)) {
    Fail(source, "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on this machine",
         "give an https URL");
  }
  std::string token = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  const std::string file = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  if (!file.empty()) {
    const auto text = ReadSmallFile(file);
    if (!text) Fail(source, "cannot read " + file, "mount the token");
    token = Trimmed(*text);
  }
  HttpRequest request{.url = url, .direct = true};
  if (!token.empty()) request.headers = {{"Authorization", token}};
  return FromJson(source, Ask(source, request, kServiceTimeout, http, clock));
}

std::optional<Credentials> FromInstance(const Environment& environment, HttpPool* http,
                                        const Clock* clock) {
  if (Lower(environment("AWS_EC2_METADATA_DISABLED")) == "true") return std::nullopt;
  std::string host = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (host.empty()) host = kInstanceHost;
  while (host.ends_with('/')) host.pop_back();
  HttpRequest hello{.method = "PUT", .url = host + "/latest/api/token", .direct = true};
  hello.headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}};
  const HttpResponse token = http->Send(hello, clock->Now() + kInstanceTimeout);
  // No such service: not on EC2.
  if (token.transport != Transport::kDone || token.status != 200) return std::nullopt;
  const std::string source = "the instance's role";
  HttpRequest request{.url = host + kInstancePath, .direct = true};
  request.headers = {{"X-aws-ec2-metadata-token", token.body}};
  const HttpResponse roles = http->Send(request, clock->Now() + kServiceTimeout);
  if (roles.transport == Transport::kDone && roles.status == 404) return std::nullopt;
  const std::string role = Trimmed(roles.body.substr(0, roles.body.find('\n')));
  if (roles.status != 200 || role.empty()) {
    Fail(source, "the metadata service names no role", "give the instance a role");
  }
  request.url += PercentEncode(role);
  return FromJson(source, Ask(source, request, kServiceTimeout, http, clock));
}

}  // namespace

std::vector<CredentialSource> UsualSources(const Environment& environment, const Profile& profile,
                                           const std::string& region, HttpPool* http,
                                           const Clock* clock) {
  WebIdentity identity;
  identity.sts_endpoint = environment("AWS_ENDPOINT_URL_STS");
  if (identity.sts_endpoint.empty()) {
    identity.sts_endpoint = "https://sts." + region + ".amazonaws.com";
  }
  identity.session = environment("AWS_ROLE_SESSION_NAME");
  if (identity.session.empty()) identity.session = "ocellus";
  WebIdentity of_profile = identity;
  identity.role = environment("AWS_ROLE_ARN");
  identity.token_file = environment("AWS_WEB_IDENTITY_TOKEN_FILE");
  of_profile.role = ValueOf(profile, "role_arn");
  of_profile.token_file = ValueOf(profile, "web_identity_token_file");
  const auto assume = [http, clock](const WebIdentity& who) -> std::optional<Credentials> {
    if (who.role.empty() || who.token_file.empty()) return std::nullopt;
    return Assume(who, http, clock);
  };
  return {
      [=] {
        return FromKeys(environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"),
                        environment("AWS_SESSION_TOKEN"), "the environment");
      },
      [=] { return assume(identity); },
      [=] {
        return FromKeys(ValueOf(profile, "aws_access_key_id"),
                        ValueOf(profile, "aws_secret_access_key"),
                        ValueOf(profile, "aws_session_token"), "the profile");
      },
      [=] { return assume(of_profile); },
      [=] { return FromContainer(environment, http, clock); },
      [=] { return FromInstance(environment, http, clock); },
  };
}

}  // namespace ocellus::store
