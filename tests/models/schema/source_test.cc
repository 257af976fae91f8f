// YAML and JSON text to values: what is a number, where a key stands, what is refused.
#include "models/schema/source.h"

#include <gtest/gtest.h>

#include <ctime>

namespace ocellus::schema {
namespace {

using nlohmann::json;

Source Read(const std::string& text) {
  Source source;
  std::vector<Problem> problems;
  EXPECT_TRUE(Parse(text, "f", &source, &problems)) << problems[0].ToString();
  return source;
}

std::string Fault(const std::string& text) {
  Source source;
  std::vector<Problem> problems;
  EXPECT_FALSE(Parse(text, "f", &source, &problems));
  return problems.empty() ? "" : problems[0].ToString();
}

TEST(Source, NumbersOfEveryForm) {
  json value = Read("[1, -2, +3, 1.5, .5, 1., 1e-4, 1E3, 1e+3, -1.5e-3, 9007199254740993]").value;
  json wanted = {1, -2, 3, 1.5, 0.5, 1.0, 1e-4, 1e3, 1e3, -1.5e-3, int64_t{9007199254740993}};
  EXPECT_EQ(value, wanted);
  EXPECT_TRUE(value[0].is_number_integer());
  EXPECT_TRUE(value[5].is_number_float());
  EXPECT_TRUE(value[6].is_number_float());
  EXPECT_TRUE(value[7].is_number_float());
}

TEST(Source, WhatOnlyLooksLikeANumberIsText) {
  json value =
      Read("[1e, e5, '1', \"2.5\", 1.2.3, 1e999, .inf, .nan, 0x10, 1-2, -, 2024-01-01]").value;
  for (const json& item : value) EXPECT_TRUE(item.is_string()) << item;
}

TEST(Source, BooleansAndNull) {
  EXPECT_EQ(Read("[true, False, yes, no, on, Off, 'yes', ~, null, ]").value,
            json({true, false, true, false, true, false, "yes", nullptr, nullptr}));
}

TEST(Source, AnchorsAliasesAndMerges) {
  json value = Read("a: &a {x: 1, y: 2}\nb: *a\nc: {<<: *a, y: 3}\n").value;
  EXPECT_EQ(value["b"], value["a"]);
  EXPECT_EQ(value["c"], json({{"x", 1}, {"y", 3}}));
}

TEST(Source, PlacesOfKeys) {
  Source source = Read("a: 1\nb:\n  c: [1,\n   2]\n");
  EXPECT_EQ(source.places.at("a").line, 1);
  EXPECT_EQ(source.places.at("b.c").line, 3);
  EXPECT_EQ(source.places.at("b.c").column, 3);
  EXPECT_EQ(source.places.at("b.c[1]").line, 4);
}

TEST(Source, JsonHasPlacesToo) {
  Source source = Read("{\n\t\"a\": 1,\n\t\"b\": {\"c\": 2}\n}\n");
  EXPECT_EQ(source.places.at("b.c").line, 3);
  EXPECT_EQ(Read("{\"a\": \"\\ud83d\\ude00\"}").value["a"], "\xF0\x9F\x98\x80");
}

TEST(Source, Refused) {
  EXPECT_EQ(Fault("a: 1\na: 2\n"), "f:2: a: given twice, first on line 1; keep one");
  EXPECT_EQ(Fault("{\"a\": 1,\n \"a\": 2}"), "f:2: a: given twice, first on line 1; keep one");
  EXPECT_EQ(Fault("a: 1\n\tb: 2\n"), "f:2: a tab indents this line; YAML wants spaces");
  EXPECT_EQ(Fault(""), "f: the document is empty; see `ocellus explain` for its keys");
  EXPECT_EQ(Fault("# only a comment\n"),
            "f: the document is empty; see `ocellus explain` for its keys");
  EXPECT_EQ(Fault("a: 1\n---\nb: 2\n"), "f:2: a second document begins; keep one document a file");
  EXPECT_EQ(Fault(std::string("a: \0", 4)),
            "f: not a UTF-8 text file; give a job document in YAML or JSON");
  const char* const not_utf8[] = {"\xFF",
                                  "\x80",
                                  "\xC3(",
                                  "\xE0\x89\x9E",
                                  "\xED\xA0\x80",
                                  "\xE2\x82",
                                  "\xF0\x8F\xBF\xBF",
                                  "\xF4\x90\x80\x80",
                                  "\xF8\x88\x80\x80"};
  for (const std::string bytes : not_utf8) {
    EXPECT_EQ(Fault("a: '" + bytes + "'\n"),
              "f: not a UTF-8 text file; give a job document in YAML or JSON");
  }
  EXPECT_EQ(
      Fault(std::string(5'000'000, 'a')),
      "f: the document has 5000000 bytes, more than the limit of 1 MiB; a job names its data and "
      "weights by path; it does not hold them");
}

TEST(Source, EscapesAreUtf8) {
  const auto read = Read("\"k\\N\": \"\\N\\_\\L\\xE9\\u2028\\U0001F600\\t\"");
  EXPECT_EQ(read.value.dump(),
            "{\"k\xC2\x85\":\"\xC2\x85\xC2\xA0\xE2\x80\xA8\xC3\xA9\xE2\x80\xA8"
            "\xF0\x9F\x98\x80\\t\"}");
  EXPECT_EQ(Read("k: \"\xC3\xA9\\_\xC3\xA9\"").value["k"], "\xC3\xA9\xC2\xA0\xC3\xA9");
}

TEST(Source, StrayTokensEnd) {
  // YAML::LoadAll fills the memory on these.
  for (const char* text : {",,,: a\n", "a: 1\n]\n", "}\n", ", a\n", "a: 1\n, b\n"}) {
    EXPECT_NE(Fault(text), "") << text;
  }
}

TEST(Source, SyntaxFaultsHaveALine) {
  EXPECT_EQ(Fault("a: 1\nb: [1, 2\nc: 3\n").substr(0, 4), "f:3:");
  EXPECT_EQ(Fault("a: 1\n  b: 2\n").substr(0, 4), "f:2:");
  EXPECT_EQ(Fault("a: \"x\nb: 1\n"), "f:1: a: the quote that opens here is not closed; close it");
  EXPECT_EQ(Fault("{\"a\": 1,,}").substr(0, 4), "f:1:");
  EXPECT_EQ(Fault("a: *nowhere\n").substr(0, 4), "f:1:");
}

TEST(Source, QuotesMayHoldQuotes) {
  EXPECT_EQ(Read("a: 'it''s'\nb: \"\\\"\"\nc: \xC3\xA9\nd: 'x'\n").value,
            json({{"a", "it's"}, {"b", "\""}, {"c", "\xC3\xA9"}, {"d", "x"}}));
}

TEST(Source, HostileTextsEndSoon) {
  const std::clock_t begin = std::clock();  // of this process: a busy machine is no fault
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    std::string last = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int k = 0; k < 8; ++k) laughs += ", " + last;
    laughs += "]\n";
  }
  EXPECT_NE(Fault(laughs).find("repeated too often"), std::string::npos);
  EXPECT_NE(Fault(std::string(100'000, '[')), "");
  EXPECT_NE(Fault(std::string(100'000, '{')), "");
  EXPECT_NE(Fault("a: &a {b: *a}\n"), "");
  std::string nested;
  for (int i = 0; i < 100; ++i) nested += std::string(i, ' ') + "a:\n";
  EXPECT_NE(Fault(nested).find("nested too deep"), std::string::npos);
  EXPECT_LT(std::clock() - begin, 10 * CLOCKS_PER_SEC);
}

TEST(Source, Overrides) {
  Source source = Read("a: {b: 1, c: 2}\n");
  std::vector<Problem> problems;
  EXPECT_TRUE(Override("a.b=1e-3", &source, &problems));
  EXPECT_TRUE(Override("a.c=null", &source, &problems));
  EXPECT_TRUE(Override("d.e=[1, x]", &source, &problems));
  EXPECT_TRUE(Override("f=", &source, &problems));
  EXPECT_TRUE(Override("g=k=v", &source, &problems));
  EXPECT_EQ(source.value,
            json({{"a", {{"b", 1e-3}}}, {"d", {{"e", {1, "x"}}}}, {"f", ""}, {"g", "k=v"}}));
  for (const char* bad : {"", "a", "=1", ".a=1", "a.=1", "a..b=1", "a=[", "a={x: 1, x: 2}"}) {
    problems.clear();
    EXPECT_FALSE(Override(bad, &source, &problems)) << bad;
    ASSERT_EQ(problems.size(), 1u) << bad;
    EXPECT_EQ(problems[0].file, "--set");
  }
}

}  // namespace
}  // namespace ocellus::schema
