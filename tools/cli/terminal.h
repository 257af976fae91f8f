// Whether and how the terminal is coloured, and one line that is written over itself.
#pragma once

#include <string>

namespace ocellus::cli {

// `off` is --no-color; NO_COLOR in the environment counts too. Only a terminal gets colours.
void SetColor(bool off);

enum class Tint { kGreen, kYellow, kRed, kBold, kDim };

// `text` in a colour for stdout, or as it is.
std::string Tinted(const std::string& text, Tint tint);

// The name of a job's or node's state in the colour that belongs to it.
std::string TintedState(const std::string& state);

// A note for people on stderr; data alone goes to stdout.
void Note(const std::string& text);

// One line on stderr that shows progress: in place on a terminal, else a new line at most every few
// seconds. Not thread-safe.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  void Show(const std::string& text);
  // Ends the line, so that other text can follow.
  void Break();

 private:
  const bool in_place_;
  bool open_ = false;
  double last_s_ = -1e9;
  std::string last_;
};

}  // namespace ocellus::cli
