#include "worker/checkpoint/snapshot.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/worker/checkpoint/checkpoint_cases.h"

namespace ocellus::checkpoint {
namespace {

TEST(Snapshot, IsACopyOfThatMoment) {
  std::vector<float> values{1, 2};
  Snapshot snapshot;
  snapshot.Take({{"f", {.tensors = {FloatSource("b", values), FloatSource("a", {9})}}}});
  values = {5, 6};
  const Snapshot::File& file = snapshot.files().at("f");
  const float expected[] = {9, 1, 2};  // by name
  ASSERT_EQ(file.data.size(), sizeof expected);
  EXPECT_EQ(std::memcmp(file.data.data(), expected, sizeof expected), 0);
  EXPECT_EQ(snapshot.bytes(), file.header.size() + sizeof expected);
}

TEST(Snapshot, KeepsItsBuffers) {
  Snapshot snapshot;
  snapshot.Take({{"f", {.tensors = {FloatSource("a", {1, 2, 3})}}}});
  const std::byte* first = snapshot.files().at("f").data.data();
  snapshot.Take({{"f", {.tensors = {FloatSource("a", {4, 5})}}}});
  EXPECT_EQ(snapshot.files().at("f").data.data(), first);
  EXPECT_EQ(snapshot.files().at("f").data.size(), 8u);
}

}  // namespace
}  // namespace ocellus::checkpoint
