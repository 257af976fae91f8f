#include "tests/worker/store/conformance.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

std::vector<std::string> Keys(const std::vector<ObjectInfo>& objects) {
  std::vector<std::string> keys;
  for (const ObjectInfo& object : objects) keys.push_back(object.key);
  return keys;
}

using KeyList = std::vector<std::string>;

}  // namespace

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Conformance);

void Conformance::SetUp() { store_ = Open(); }

TEST_P(Conformance, PutThenGetHeadAndOverwrite) {
  EXPECT_FALSE(store_->Head("a/b"));
  store_->Put("a/b", Bytes("one"));
  EXPECT_EQ(store_->Get("a/b"), "one");
  store_->Put("a/b", Bytes("longer text"));
  EXPECT_EQ(store_->Get("a/b"), "longer text");
  ASSERT_TRUE(store_->Head("a/b"));
  EXPECT_EQ(store_->Head("a/b")->bytes, 11);
  EXPECT_EQ(store_->Head("a/b")->key, "a/b");
  EXPECT_FALSE(store_->Head("a"));
  EXPECT_EQ(Open()->Get("a/b"), "longer text");
}

TEST_P(Conformance, AnEmptyObjectIsAnObject) {
  store_->Put("empty", {});
  EXPECT_EQ(store_->Get("empty"), "");
  EXPECT_EQ(store_->Head("empty")->bytes, 0);
  EXPECT_EQ(Keys(store_->List("")), KeyList{"empty"});
}

TEST_P(Conformance, AbsentIsAnErrorThatNamesStoreAndKey) {
  std::byte byte;
  for (int call = 0; call < 2; ++call) {
    try {
      if (call == 0) store_->Get("no/such");
      if (call == 1) store_->Read("no/such", 0, std::span(&byte, 1));
      FAIL();
    } catch (const wire::Fault& fault) {
      EXPECT_EQ(fault.fault_class(), wire::FaultClass::kStorage);
      EXPECT_EQ(fault.outcome(), "OBJECT_MISSING");
      EXPECT_NE(std::string(fault.what()).find("no/such"), std::string::npos) << fault.what();
      EXPECT_NE(std::string(fault.what()).find(store_->uri()), std::string::npos) << fault.what();
    }
  }
}

TEST_P(Conformance, BadKeysAreRefusedEverywhere) {
  for (const std::string key :
       {"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/.", "a\\b", "~temp/x", "b/~a",
        "a\nb", "a\x7f", "\xc3", "a\xff", "\xed\xa0\x80", "\xc0\xaf"}) {
    EXPECT_THROW(store_->Put(key, {}), wire::Fault) << key;
    EXPECT_THROW(store_->PutIfAbsent(key, {}), wire::Fault) << key;
    EXPECT_THROW(store_->Write(key), wire::Fault) << key;
    EXPECT_THROW(store_->Head(key), wire::Fault) << key;
    EXPECT_THROW(store_->Get(key), wire::Fault) << key;
    EXPECT_THROW(store_->Delete(key), wire::Fault) << key;
  }
  EXPECT_THROW(store_->Put(std::string(2000, 'a'), {}), wire::Fault);
  EXPECT_THROW(store_->List("../"), wire::Fault);
  EXPECT_THROW(store_->List("/"), wire::Fault);
  EXPECT_TRUE(store_->List("").empty());
  store_->Put("..a/.b/-c_D.9", Bytes("ok"));
  EXPECT_EQ(store_->Get("..a/.b/-c_D.9"), "ok");
}

TEST_P(Conformance, OddKeysAreKeysLikeOthers) {
  KeyList keys = {"a b/c d",
                  "plus+and&amp;<x>",
                  "100%/25%20",
                  "q?=1#2",
                  "caf\xc3\xa9/\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x90\x98",
                  "k=v,w;x:y@z",
                  "quote'\"!*()$[]{}|^`"};
  for (const std::string& key : keys) store_->Put(key, Bytes(key));
  for (const std::string& key : keys) {
    EXPECT_EQ(store_->Get(key), key);
    EXPECT_EQ(store_->Head(key)->bytes, static_cast<int64_t>(key.size()));
    EXPECT_FALSE(store_->PutIfAbsent(key, Bytes("x")));
    EXPECT_EQ(Keys(store_->List(key)), KeyList{key});
  }
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(Keys(store_->List("")), keys);
  store_->DeleteAll(keys);
  EXPECT_TRUE(store_->List("").empty());
}

TEST_P(Conformance, ReadTakesARangeAndStopsAtTheEnd) {
  store_->Put("k", Bytes("0123456789"));
  const auto read = [&](int64_t offset, size_t size) {
    std::string out(size, '?');
    out.resize(store_->Read("k", offset, std::as_writable_bytes(std::span(out))));
    return out;
  };
  EXPECT_EQ(read(0, 10), "0123456789");
  EXPECT_EQ(read(3, 4), "3456");
  EXPECT_EQ(read(8, 100), "89");
  EXPECT_EQ(read(10, 1), "");
  EXPECT_EQ(read(1000, 1), "");
  EXPECT_EQ(read(2, 0), "");
}

TEST_P(Conformance, AVersionIsReadOrNothing) {
  store_->Put("k", Bytes("0123456789"));
  const std::string version = store_->Head("k")->version;
  std::string out(4, '?');
  const auto into = std::as_writable_bytes(std::span(out));
  EXPECT_EQ(store_->ReadVersion("k", version, 3, into), 4u);
  EXPECT_EQ(out, "3456");
  EXPECT_EQ(store_->ReadVersion("k", version, 8, into), 2u);
  EXPECT_EQ(store_->ReadVersion("k", version, 10, into), 0u);
  store_->Put("k", Bytes("abcdefghij"));
  try {
    store_->ReadVersion("k", version, 0, into);
    FAIL();
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.outcome(), "OBJECT_CHANGED");
    EXPECT_NE(std::string(fault.what()).find("k was overwritten"), std::string::npos);
  }
  EXPECT_EQ(store_->ReadVersion("k", store_->Head("k")->version, 0, into), 4u);
}

TEST_P(Conformance, ListIsByPrefixAndInByteOrder) {
  for (const char* key : {"b/2", "a-b", "a/b", "a.b", "a0", "a/b2/c", "a/b-1/c", "B", "a/c"}) {
    store_->Put(key, Bytes("x"));
  }
  EXPECT_EQ(Keys(store_->List("")),
            (KeyList{"B", "a-b", "a.b", "a/b", "a/b-1/c", "a/b2/c", "a/c", "a0", "b/2"}));
  EXPECT_EQ(Keys(store_->List("a/")), (KeyList{"a/b", "a/b-1/c", "a/b2/c", "a/c"}));
  EXPECT_EQ(Keys(store_->List("a/b")), (KeyList{"a/b", "a/b-1/c", "a/b2/c"}));
  EXPECT_EQ(Keys(store_->List("a/b2/")), (KeyList{"a/b2/c"}));
  EXPECT_EQ(Keys(store_->List("a/b/")), KeyList{});
  EXPECT_EQ(Keys(store_->List("none/at/all")), KeyList{});
}

TEST_P(Conformance, DeleteAndDeletePrefix) {
  for (const char* key : {"j/1/a", "j/1/b/c", "j/10/a", "k"}) store_->Put(key, Bytes("x"));
  store_->Delete("never/there");
  store_->Delete("k");
  store_->Delete("k");
  store_->Delete("j");  // not an object: nothing happens
  store_->DeletePrefix("j/1/");
  EXPECT_EQ(Keys(store_->List("")), KeyList{"j/10/a"});
  EXPECT_THROW(store_->DeletePrefix(""), wire::Fault);
  EXPECT_THROW(store_->DeletePrefix("j/1"), wire::Fault);
  EXPECT_EQ(Keys(store_->List("")), KeyList{"j/10/a"});
}

TEST_P(Conformance, AWriterIsUnseenUntilFinishAndLeavesNothingWithout) {
  {
    const auto abandoned = store_->Write("w/gone");
    abandoned->Append(Bytes("half"));
  }
  const auto writer = store_->Write("w/k");
  writer->Append(Bytes("one "));
  writer->Append({});
  writer->Append(Bytes("two"));
  EXPECT_TRUE(store_->List("").empty());
  EXPECT_FALSE(store_->Head("w/k"));
  writer->Finish();
  EXPECT_EQ(store_->Get("w/k"), "one two");
  EXPECT_EQ(Keys(store_->List("")), KeyList{"w/k"});
}

TEST_P(Conformance, PutIfMatchWantsTheVersionThatIsThere) {
  EXPECT_FALSE(store_->PutIfMatch("k", Bytes("0"), "\"00000000000000000000000000000000\""));
  store_->Put("k", Bytes("1"));
  const std::string first = store_->Head("k")->version;
  ASSERT_FALSE(first.empty());
  EXPECT_EQ(store_->Head("k")->version, first);
  EXPECT_TRUE(store_->PutIfMatch("k", Bytes("2"), first));
  EXPECT_NE(store_->Head("k")->version, first);
  EXPECT_FALSE(store_->PutIfMatch("k", Bytes("3"), first));
  EXPECT_EQ(store_->Get("k"), "2");
  const std::string second = store_->Head("k")->version;
  store_->Delete("k");
  EXPECT_FALSE(store_->PutIfMatch("k", Bytes("4"), second));
  EXPECT_FALSE(store_->Head("k"));
}

TEST_P(Conformance, MoreKeysThanAPageHolds) {
  constexpr int kKeys = 1'103, kThreads = 8;
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([&, t] {
      for (int i = t; i < kKeys; i += kThreads)
        store_->Put("many/" + std::to_string(i), Bytes("x"));
    });
  }
  for (auto& writer : writers) writer.join();
  KeyList expected;
  for (int i = 0; i < kKeys; ++i) expected.push_back("many/" + std::to_string(i));
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(Keys(store_->List("many/")), expected);
  KeyList paged;
  for (ObjectPage page{{}, true}; page.more;) {
    page = store_->ListPage("many/", paged.empty() ? "" : paged.back(), 400);
    ASSERT_LE(page.objects.size(), 400u);
    for (const ObjectInfo& object : page.objects) paged.push_back(object.key);
  }
  EXPECT_EQ(paged, expected);
  store_->DeletePrefix("many/");
  EXPECT_TRUE(store_->List("").empty());
}

TEST_P(Conformance, AFileBecomesAnObject) {
  std::string text(3 << 20, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 2'654'435'761u >> 11);
  const std::string path = scratch_ / "~a-file";
  std::ofstream(path, std::ios::binary) << text;
  store_->PutFile("of/file", path);
  EXPECT_TRUE(store_->Get("of/file") == text);
  EXPECT_THROW(store_->PutFile("of/none", path + "-absent"), wire::Fault);
  EXPECT_FALSE(store_->Head("of/none"));
  std::filesystem::remove(path);
}

TEST_P(Conformance, ABigObjectInParts) {
  constexpr size_t kPart = 1 << 20, kParts = 70;
  const auto writer = store_->Write("big");
  for (size_t i = 0; i < kParts; ++i)
    writer->Append(Bytes(std::string(kPart, static_cast<char>(i))));
  writer->Finish();
  ASSERT_EQ(store_->Head("big")->bytes, static_cast<int64_t>(kPart * kParts));
  std::string across(2, '?');
  EXPECT_EQ(store_->Read("big", kPart * 69 - 1, std::as_writable_bytes(std::span(across))), 2u);
  EXPECT_EQ(across, (std::string{char{68}, char{69}}));
}

}  // namespace ocellus::store
