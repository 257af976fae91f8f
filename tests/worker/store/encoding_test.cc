#include "worker/store/encoding.h"

#include <gtest/gtest.h>

#include "worker/store/xml.h"

namespace ocellus::store {
namespace {

std::string Encoded(const std::string& text) {
  return Base64(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

// RFC 4648, section 10.
TEST(Base64, PublishedExamples) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : cases) {
    EXPECT_EQ(Encoded(plain), text);
    EXPECT_EQ(FromBase64(text), plain);
  }
}

TEST(Base64, WhatIsNoneIsRefused) {
  for (const char* text : {"Z", "Zg", "Zg=", "Z===", "Zg==Zg==", "Zm=v", "Z*==", "====", "a-3="}) {
    EXPECT_FALSE(FromBase64(text)) << text;
  }
}

TEST(Percent, EncodesAllButUnreservedAndBack) {
  EXPECT_EQ(PercentEncode("a b+c%/\xc3\xa9~"), "a%20b%2Bc%25%2F%C3%A9~");
  EXPECT_EQ(PercentEncode("a/b", /*keep_slash=*/true), "a/b");
  EXPECT_EQ(PercentDecode("a%20b%2bc%25%2F%C3%A9~"), "a b+c%/\xc3\xa9~");
  EXPECT_EQ(PercentDecode("%4", false), "%4");
  EXPECT_EQ(PercentDecode("%zz+", false), "%zz+");
  EXPECT_EQ(PercentDecode("a+b%2B", true), "a b+");
}

TEST(Times, BothFormsAreRead) {
  EXPECT_EQ(BasicTime(1440938160), "20150830T123600Z");
  EXPECT_EQ(ParseTime("Sun, 30 Aug 2015 12:36:00 GMT"), 1440938160);
  EXPECT_EQ(ParseTime("2015-08-30T12:36:00.123Z"), 1440938160);
  EXPECT_FALSE(ParseTime("yesterday"));
}

TEST(OneLineText, HasNoControlCharactersAndAnEnd) {
  EXPECT_EQ(OneLine("a\r\nb\x1b[31m"), "a  b [31m");
  EXPECT_EQ(OneLine("abcdef", 3), "abc...");
}

TEST(Xml, ReadsWhatS3Answers) {
  const auto root = ParseXml(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- c -->"
      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>"
      "<Contents><Key>a &amp; b&#x20;&#233;&lt;</Key><Size>3</Size></Contents>"
      "<Contents><Key>c</Key></Contents><s:Empty/></ListBucketResult>\n");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->name, "ListBucketResult");
  EXPECT_EQ(root->TextOf("Name"), "b");
  ASSERT_EQ(root->children.size(), 4u);
  EXPECT_EQ(root->children[1].TextOf("Key"), "a & b \xc3\xa9<");
  EXPECT_EQ(root->children[1].TextOf("Size"), "3");
  EXPECT_EQ(root->children[3].name, "Empty");
  EXPECT_EQ(root->Child("None"), nullptr);
}

TEST(Xml, BrokenTextIsNone) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  for (int i = 0; i < 100; ++i) deep += "</a>";
  for (const std::string& text :
       {std::string(), std::string("text"), std::string("<a>"), std::string("<a><b></a>"),
        std::string("<a"), std::string("<>"), std::string("<a><!-- "), deep}) {
    EXPECT_FALSE(ParseXml(text)) << text.substr(0, 40);
  }
}

TEST(Xml, EscapedTextComesBack) {
  const std::string text = "<a> & \"b\" 'c' \n\xc3\xa9";
  const auto root = ParseXml("<k>" + XmlEscape(text) + "</k>");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->text, text);
}

}  // namespace
}  // namespace ocellus::store
