#include "worker/trainer/slice_exchange.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPoll{10};

wire::Fault Late(int rank) {
  return wire::Fault(wire::FaultClass::kStorage, "UPLOAD_TIMEOUT",
                     "rank " + std::to_string(rank) + " did not write its slice in time",
                     "see its log");
}

}  // namespace

std::string SliceExchange::OrderKey(int64_t step, int attempt) const {
  return "checkpoint/" + std::to_string(run_) + "/" + std::to_string(step) + "/" +
         std::to_string(attempt);
}

std::string SliceExchange::AnswerKey(int64_t step, int attempt, int rank) const {
  return OrderKey(step, attempt) + "/" + std::to_string(rank);
}

void SliceExchange::Order(int64_t step, int attempt, const std::string& prefix) {
  notes_->Put(OrderKey(step, attempt), json{{"prefix", prefix}}.dump());
}

void SliceExchange::End(int64_t step, int attempt) {
  // All ranks have moved on to this step, so nobody looks for the end before.
  if (!ended_.empty()) notes_->Remove(ended_);
  ended_ = OrderKey(step, attempt);
  notes_->Put(ended_, json{{"over", true}}.dump());
}

std::string SliceExchange::AwaitAnswer(const std::string& key, Clock::time_point deadline) {
  for (;;) {
    const auto answer = notes_->Find(key);
    if (answer) notes_->Remove(key);
    if (answer) return *answer;
    if (Clock::now() > deadline) return "";
    std::this_thread::sleep_for(kPoll);
  }
}

std::vector<checkpoint::FileEntry> SliceExchange::Collect(int64_t step, int attempt,
                                                          std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  std::vector<checkpoint::FileEntry> files;
  std::optional<wire::Fault> failure;
  for (int rank = 1; rank < world_; ++rank) {
    const std::string text = AwaitAnswer(AnswerKey(step, attempt, rank), deadline);
    if (text.empty() && !failure) failure = Late(rank);
    if (text.empty()) continue;
    const json answer = json::parse(text);
    if (answer.contains("failure")) {
      if (!failure) {
        failure.emplace(
            wire::FaultClass::kStorage, answer.at("outcome").get<std::string>(),
            "rank " + std::to_string(rank) + ": " + answer.at("failure").get<std::string>());
      }
      continue;
    }
    for (const json& file : answer.at("files")) {
      files.push_back({file.at("name"), file.at("bytes"), file.at("sha256")});
    }
  }
  notes_->Remove(OrderKey(step, attempt));
  if (failure) throw *failure;
  return files;
}

std::optional<SliceOrder> SliceExchange::FindOrder(int64_t step, int attempt) {
  const auto text = notes_->Find(OrderKey(step, attempt));
  if (!text) return std::nullopt;
  const json order = json::parse(*text);
  return SliceOrder{order.value("over", false), order.value("prefix", "")};
}

void SliceExchange::Answer(int64_t step, int attempt,
                           const std::vector<checkpoint::FileEntry>& files) {
  json list = json::array();
  for (const auto& file : files) {
    list.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  notes_->Put(AnswerKey(step, attempt, rank_), json{{"files", list}}.dump());
}

void SliceExchange::Refuse(int64_t step, int attempt, const std::string& outcome,
                           const std::string& failure) {
  notes_->Put(AnswerKey(step, attempt, rank_),
              json{{"outcome", outcome}, {"failure", failure}}.dump());
}

}  // namespace ocellus::trainer
