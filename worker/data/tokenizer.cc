#include "worker/data/tokenizer.h"

#include <unicode/uchar.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <sstream>

#include "worker/data/caption_text.h"
#include "worker/data/utf8.h"
#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

constexpr int64_t kMerges = 49152 - 256 - 2;
constexpr int64_t kBytes = 256;
constexpr int64_t kNoMerge = std::numeric_limits<int64_t>::max();

[[noreturn]] void ThrowBad(const std::string& path, const std::string& what) {
  throw wire::Fault(wire::FaultClass::kUser, "NO_VOCABULARY", path + ": " + what,
                    "run tools/setup, or name CLIP's bpe_simple_vocab_16e6.txt.gz in "
                    "data.text.vocabulary");
}

std::string ReadAll(const std::string& path) {
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) ThrowBad(path, "cannot be read");
  std::string text(int64_t{1} << 16, '\0'), all;
  int count = 0;
  while ((count = gzread(file, text.data(), static_cast<unsigned>(text.size()))) > 0) {
    all.append(text, 0, count);
  }
  gzclose(file);
  if (count < 0) ThrowBad(path, "is damaged");
  return all;
}

// The bytes that stand for themselves come first in the vocabulary; the others get the code points
// from 256 on.
struct ByteSymbols {
  std::vector<int> order;         // of the vocabulary
  std::vector<std::string> text;  // by byte
  ByteSymbols() : text(kBytes) {
    const auto plain = [](int b) {
      return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    };
    for (int b = 0; b < kBytes; ++b) {
      if (plain(b)) order.push_back(b);
    }
    for (int b = 0, next = kBytes; b < kBytes; ++b) {
      text[b] = Utf8(static_cast<uint32_t>(plain(b) ? b : next++));
      if (!plain(b)) order.push_back(b);
    }
  }
};

uint64_t PairKey(int64_t left, int64_t right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint64_t>(right);
}

bool Is(char32_t c, uint32_t categories) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & categories) != 0;
}

bool IsLetter(char32_t c) { return Is(c, U_GC_L_MASK); }

// A mark that is a letter in capitals: the pattern ignores case, and then has no place for it.
constexpr char32_t kIotaBelow = 0x0345;

// How many characters the piece of the text at `at` has; 0 for what is in none. In the order of the
// pattern: contractions, letters, one number, a run of anything else.
size_t PieceLength(const std::u32string& text, size_t at) {
  for (const char32_t* contraction :
       {U"'s", U"'\u017F", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"}) {
    const std::u32string_view word(contraction);
    if (text.compare(at, word.size(), word) == 0) return word.size();
  }
  const auto is_other = [](char32_t c) {
    return !u_isUWhiteSpace(static_cast<UChar32>(c)) && !IsLetter(c) && !Is(c, U_GC_N_MASK) &&
           c != kIotaBelow;
  };
  if (Is(text[at], U_GC_N_MASK)) return 1;
  size_t end = at;
  if (IsLetter(text[at])) {
    while (end < text.size() && IsLetter(text[end])) ++end;
  } else {
    while (end < text.size() && is_other(text[end])) ++end;
  }
  return end - at;
}

}  // namespace

Tokenizer::Tokenizer(const std::string& vocabulary) : byte_ids_(kBytes) {
  const std::string path = vocabulary.empty() ? OCELLUS_CLIP_VOCABULARY : vocabulary;
  const ByteSymbols symbols;
  std::unordered_map<std::string, int64_t> ids;
  for (int64_t i = 0; i < kBytes; ++i) {
    const int byte = symbols.order[i];
    byte_ids_[byte] = i;
    ids[symbols.text[byte]] = i;
    ids[symbols.text[byte] + "</w>"] = kBytes + i;
  }

  std::istringstream lines(ReadAll(path));
  std::string line, left, right;
  std::getline(lines, line);  // the header
  std::vector<std::pair<std::string, std::string>> pairs;
  while (static_cast<int64_t>(pairs.size()) < kMerges && std::getline(lines, line)) {
    std::istringstream words(line);
    if (!(words >> left >> right)) break;
    ids[left + right] = 2 * kBytes + static_cast<int64_t>(pairs.size());
    pairs.emplace_back(left, right);
  }
  if (static_cast<int64_t>(pairs.size()) != kMerges) {
    ThrowBad(path, "has " + std::to_string(pairs.size()) + " merges, not CLIP's " +
                       std::to_string(kMerges));
  }
  for (size_t rank = 0; rank < pairs.size(); ++rank) {
    const auto& [first, second] = pairs[rank];
    if (!ids.contains(first) || !ids.contains(second)) {
      ThrowBad(path, "merges what no merge made: " + first + " " + second);
    }
    merges_[PairKey(ids[first], ids[second])] = {static_cast<int64_t>(rank), ids[first + second]};
  }
}

const Tokenizer::Merge* Tokenizer::FindMerge(int64_t left, int64_t right) const {
  const auto found = merges_.find(PairKey(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

// The pair of lowest rank is joined wherever it stands, until no pair has one.
void Tokenizer::EncodeWord(const std::string& bytes, std::vector<int64_t>* ids) const {
  std::vector<int64_t> word;
  for (const unsigned char byte : bytes) word.push_back(byte_ids_[byte]);
  word.back() += kBytes;  // "</w>"
  const auto rank_of = [&](size_t i) {
    const Merge* merge = i + 1 < word.size() ? FindMerge(word[i], word[i + 1]) : nullptr;
    return merge != nullptr ? merge->rank : kNoMerge;
  };
  std::vector<int64_t> ranks(word.size());
  for (size_t i = 0; i < word.size(); ++i) ranks[i] = rank_of(i);
  while (word.size() > 1) {
    const auto best = std::min_element(ranks.begin(), ranks.end());
    if (*best == kNoMerge) break;
    const size_t at = best - ranks.begin();
    const int64_t left = word[at], right = word[at + 1], joined = FindMerge(left, right)->id;
    size_t out = 0;
    for (size_t i = 0; i < word.size(); ++out) {
      const bool join = i + 1 < word.size() && word[i] == left && word[i + 1] == right;
      word[out] = join ? joined : word[i];
      i += join ? 2 : 1;
    }
    word.resize(out);
    ranks.resize(out);
    for (size_t i = 0; i < out; ++i) ranks[i] = rank_of(i);
  }
  ids->insert(ids->end(), word.begin(), word.end());
}

std::vector<int64_t> Tokenizer::Encode(const std::string& text) const {
  const std::u32string clean = FromUtf8(CleanCaption(text.substr(0, kLongest)));
  std::vector<int64_t> ids;
  for (size_t at = 0; at < clean.size();) {
    bool special = false;
    for (const auto& [word, id] :
         {std::pair{U"<start_of_text>", kStart}, {U"<end_of_text>", kEnd}}) {
      const std::u32string_view name(word);
      if (special || clean.compare(at, name.size(), name) != 0) continue;
      ids.push_back(id);
      at += name.size();
      special = true;
    }
    if (special) continue;
    const size_t length = PieceLength(clean, at);
    if (length > 0) EncodeWord(Utf8(clean.substr(at, length)), &ids);
    at += std::max<size_t>(1, length);
  }
  return ids;
}

void Tokenizer::Fill(const std::vector<int64_t>& ids, int64_t length, int64_t* out) {
  std::fill(out, out + length, 0);
  const auto kept = std::min<int64_t>(static_cast<int64_t>(ids.size()), length - 2);
  out[0] = kStart;
  std::copy(ids.begin(), ids.begin() + kept, out + 1);
  out[kept + 1] = kEnd;
}

}  // namespace ocellus::data
