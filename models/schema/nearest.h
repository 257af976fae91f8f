// The known word that a mistyped one most likely means.
#pragma once

#include <string>
#include <vector>

namespace ocellus::schema {

// Letters to insert, remove, change or swap with their neighbour until `a` is `b`.
int EditDistance(const std::string& a, const std::string& b);

// The nearest of `known` (a third of the word's letters may differ, and at least one), else the
// only one that begins with `word`, else "".
std::string Nearest(const std::string& word, const std::vector<std::string>& known);

// "a", "a and b", "a, b and c".
std::string Join(const std::vector<std::string>& words, const std::string& last = "and");

}  // namespace ocellus::schema
