#include "models/schema/nearest.h"

#include <algorithm>

namespace ocellus::schema {
namespace {

// Keys are short; a longer word is no misspelling of one.
constexpr size_t kWordMax = 128;

// "total" for total_steps, when no other known word begins like that.
std::string OnlyLonger(const std::string& word, const std::vector<std::string>& known) {
  std::string found;
  for (const std::string& candidate : known) {
    if (word.size() < 3 || candidate.rfind(word, 0) != 0) continue;
    if (!found.empty()) return "";
    found = candidate;
  }
  return found;
}

}  // namespace

int EditDistance(const std::string& a, const std::string& b) {
  std::vector<int> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    next[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] != b[j - 1])});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) next[j] = std::min(next[j], before[j - 2] + 1);
    }
    before = row;
    row = next;
  }
  return row[b.size()];
}

std::string Nearest(const std::string& word, const std::vector<std::string>& known) {
  if (word.empty() || word.size() > kWordMax) return "";
  int limit = std::max<int>(1, static_cast<int>(word.size()) / 3);
  std::string best;
  for (const std::string& candidate : known) {
    int distance = EditDistance(word, candidate);
    if (distance > limit) continue;
    best = candidate;
    limit = distance - 1;
  }
  return best.empty() ? OnlyLonger(word, known) : best;
}

std::string Join(const std::vector<std::string>& words, const std::string& last) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " " + last + " " : ", ";
    text += words[i];
  }
  return text;
}

}  // namespace ocellus::schema
