#include "worker/store/sigv4.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>

#include "worker/store/encoding.h"
#include "worker/store/sha256.h"

namespace ocellus::store {
namespace {

constexpr char kAlgorithm[] = "AWS4-HMAC-SHA256";
using Digest = std::array<uint8_t, 32>;

// HMAC (RFC 2104) with SHA-256.
Digest Hmac(std::span<const uint8_t> key, std::string_view message) {
  std::array<uint8_t, 64> inner{}, outer{};
  Digest short_key;
  if (key.size() > inner.size()) {
    Sha256 hash;
    hash.Update(std::as_bytes(key));
    short_key = hash.Finish();
    key = short_key;
  }
  std::copy(key.begin(), key.end(), inner.begin());
  std::copy(key.begin(), key.end(), outer.begin());
  for (uint8_t& byte : inner) byte ^= 0x36;
  for (uint8_t& byte : outer) byte ^= 0x5c;
  Sha256 first, second;
  first.Update(std::as_bytes(std::span(inner)));
  first.Update(std::as_bytes(std::span(message)));
  const Digest digest = first.Finish();
  second.Update(std::as_bytes(std::span(outer)));
  second.Update(std::as_bytes(std::span(digest)));
  return second.Finish();
}

// Blanks around it gone, those within a row made one.
std::string HeaderValue(const std::string& value) {
  std::string out;
  for (const char c : Trimmed(value)) {
    const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (!blank || out.back() != ' ') out += blank ? ' ' : c;
  }
  return out;
}

// Names in lower case and in order; values of one name joined by commas.
std::map<std::string, std::string> SignedHeaders(const NameValues& headers) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, value] : headers) {
    const auto [entry, fresh] = sorted.try_emplace(Lower(name), HeaderValue(value));
    if (!fresh) entry->second += "," + HeaderValue(value);
  }
  return sorted;
}

std::string SignedNames(const NameValues& headers) {
  std::string names;
  for (const auto& [name, value] : SignedHeaders(headers)) {
    names += (names.empty() ? "" : ";") + name;
  }
  return names;
}

std::string ScopeText(const SigningScope& scope) {
  return BasicTime(scope.at).substr(0, 8) + "/" + scope.region + "/" + scope.service +
         "/aws4_request";
}

}  // namespace

std::string CanonicalQuery(const NameValues& query) {
  NameValues encoded;
  for (const auto& [name, value] : query) {
    encoded.emplace_back(PercentEncode(name), PercentEncode(value));
  }
  std::sort(encoded.begin(), encoded.end());
  std::string text;
  for (const auto& [name, value] : encoded) text += (text.empty() ? "" : "&") + name + "=" + value;
  return text;
}

std::string CanonicalRequest(const SigningRequest& request) {
  std::string text = request.method + "\n" + PercentEncode(request.path, /*keep_slash=*/true) +
                     "\n" + CanonicalQuery(request.query) + "\n";
  for (const auto& [name, value] : SignedHeaders(request.headers)) {
    text += name + ":" + value + "\n";
  }
  return text + "\n" + SignedNames(request.headers) + "\n" + request.payload_hash;
}

std::string StringToSign(const SigningRequest& request, const SigningScope& scope) {
  return std::string(kAlgorithm) + "\n" + BasicTime(scope.at) + "\n" + ScopeText(scope) + "\n" +
         Sha256Hex(CanonicalRequest(request));
}

std::string Signature(const SigningRequest& request, const SigningScope& scope,
                      const std::string& secret_key) {
  const std::string first = "AWS4" + secret_key;
  const auto* bytes = reinterpret_cast<const uint8_t*>(first.data());
  Digest key = Hmac(std::span(bytes, first.size()), BasicTime(scope.at).substr(0, 8));
  key = Hmac(key, scope.region);
  key = Hmac(key, scope.service);
  key = Hmac(key, "aws4_request");
  return Hex(Hmac(key, StringToSign(request, scope)));
}

std::string Authorization(const SigningRequest& request, const SigningScope& scope,
                          const std::string& access_key, const std::string& secret_key) {
  return std::string(kAlgorithm) + " Credential=" + access_key + "/" + ScopeText(scope) +
         ", SignedHeaders=" + SignedNames(request.headers) +
         ", Signature=" + Signature(request, scope, secret_key);
}

}  // namespace ocellus::store
