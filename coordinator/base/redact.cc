#include "coordinator/base/redact.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace ocellus::coordinator {
namespace {

constexpr std::string_view kInstead = "[redacted]";
constexpr size_t kTokenLeast = 16;  // after the prefix: a shorter word is no token

bool IsTokenByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

bool IsWordByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// End of the token that begins at `at`, or `at`.
size_t TokenEnd(std::string_view text, size_t at) {
  size_t end = at + 4;
  while (end < text.size() && IsTokenByte(text[end])) ++end;
  return end - at - 4 >= kTokenLeast ? end : at;
}

void HideTokens(std::string* text) {
  for (std::string_view prefix : {"oct_", "ocj_"}) {
    for (size_t at = text->find(prefix); at != std::string::npos; at = text->find(prefix, at)) {
      const size_t end = TokenEnd(*text, at);
      if (end == at) {
        at += prefix.size();
        continue;
      }
      text->replace(at, end - at, kInstead.data(), kInstead.size());
      at += kInstead.size();
    }
  }
}

void HideKeys(std::string* text) {
  constexpr std::string_view kBegin = "PRIVATE KEY-----";
  constexpr std::string_view kEnd = "-----END";
  for (size_t at = text->find(kBegin); at != std::string::npos; at = text->find(kBegin, at)) {
    at += kBegin.size();
    const size_t end = std::min(text->find(kEnd, at), text->size());
    text->replace(at, end - at, kInstead.data(), kInstead.size());
    at = std::min(text->size(), at + kInstead.size() + kBegin.size() + kEnd.size());
  }
}

void HidePasswords(std::string* text) {
  for (size_t at = text->find("://"); at != std::string::npos; at = text->find("://", at + 3)) {
    const size_t begin = at + 3;
    const size_t stop = std::min(text->find_first_of("/ \t\n\"'", begin), text->size());
    const size_t host = text->substr(begin, stop - begin).rfind('@');
    const size_t colon = text->find(':', begin);
    if (host != std::string::npos && colon < begin + host) {
      text->replace(colon + 1, begin + host - colon - 1, kInstead.data(), kInstead.size());
    }
  }
}

// Begin of the value after a name that ends at `at`: past quotes, blanks and one of "=:".
size_t ValueBegin(const std::string& text, size_t at) {
  while (at < text.size() && (text[at] == '"' || text[at] == '\'' || text[at] == '\\')) ++at;
  while (at < text.size() && text[at] == ' ') ++at;
  if (at >= text.size() || (text[at] != '=' && text[at] != ':')) return std::string::npos;
  ++at;
  while (at < text.size() && (text[at] == ' ' || text[at] == '"' || text[at] == '\'')) ++at;
  return at < text.size() ? at : std::string::npos;
}

void HideValues(std::string* text) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "password",   "passwd",     "secret",        "secret_access_key",
      "access_key", "auth_token", "session_token", "authorization"};
  std::string lower = *text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (std::string_view name : kNames) {
    for (size_t at = lower.find(name); at != std::string::npos; at = lower.find(name, at)) {
      at += name.size();
      if (at < lower.size() && IsWordByte(lower[at])) continue;
      const size_t begin = ValueBegin(lower, at);
      if (begin == std::string::npos || text->compare(begin, kInstead.size(), kInstead) == 0)
        continue;
      size_t end = std::min(lower.find_first_of(" \t\n\"',;&\\}", begin), lower.size());
      if (name == "authorization" && lower.compare(begin, 7, "bearer ") == 0) {
        end = std::min(lower.find_first_of(" \t\n\"',;&\\}", begin + 7), lower.size());
      }
      text->replace(begin, end - begin, kInstead.data(), kInstead.size());
      lower.replace(begin, end - begin, kInstead.data(), kInstead.size());
    }
  }
}

}  // namespace

std::string Redact(absl::string_view text) {
  std::string clean(text);
  HideTokens(&clean);
  HideKeys(&clean);
  HidePasswords(&clean);
  HideValues(&clean);
  return clean;
}

}  // namespace ocellus::coordinator
