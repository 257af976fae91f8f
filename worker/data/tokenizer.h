// Captions to token ids: CLIP's byte pairs, equal to open_clip's SimpleTokenizer
// (Radford et al. 2021; openai/CLIP simple_tokenizer.py).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ocellus::data {

// Thread-safe once made.
class Tokenizer {
 public:
  static constexpr int64_t kVocabulary = 49408;  // ids are below
  static constexpr int64_t kStart = 49406;
  static constexpr int64_t kEnd = 49407;
  static constexpr size_t kLongest = 16384;  // bytes of a caption; what is behind is left out

  // Reads CLIP's merges (bpe_simple_vocab_16e6.txt, plain or gzipped); empty: the file that
  // tools/setup brought. Throws wire::Fault (user, NO_VOCABULARY) that names the file.
  explicit Tokenizer(const std::string& vocabulary);

  // The ids of the text (UTF-8) alone, without start and end; none for a text of white space.
  std::vector<int64_t> Encode(const std::string& text) const;

  // start, `ids`, end, and 0 up to `length`; of too many ids the last ones are left out.
  static void Fill(const std::vector<int64_t>& ids, int64_t length, int64_t* out);

 private:
  struct Merge {
    int64_t rank = 0;
    int64_t id = 0;
  };

  const Merge* FindMerge(int64_t left, int64_t right) const;
  void EncodeWord(const std::string& bytes, std::vector<int64_t>* ids) const;

  std::vector<int64_t> byte_ids_;
  std::unordered_map<uint64_t, Merge> merges_;  // by left id << 32 | right id
};

}  // namespace ocellus::data
