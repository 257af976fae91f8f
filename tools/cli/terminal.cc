#include "tools/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "absl/time/clock.h"

namespace ocellus::cli {
namespace {

constexpr double kLineEveryS = 5;

bool colored = false;

const char* Sequence(Tint tint) {
  switch (tint) {
    case Tint::kGreen:
      return "\033[32m";
    case Tint::kYellow:
      return "\033[33m";
    case Tint::kRed:
      return "\033[31m";
    case Tint::kBold:
      return "\033[1m";
    case Tint::kDim:
      return "\033[2m";
  }
  return "";
}

size_t TerminalWidth() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return 80;
  }
  return size.ws_col;
}

double NowS() { return static_cast<double>(absl::GetCurrentTimeNanos()) * 1e-9; }

}  // namespace

void SetColor(bool off) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool dumb = term != nullptr && std::string(term) == "dumb";
  colored = !off && (no_color == nullptr || *no_color == '\0') && !dumb && isatty(STDOUT_FILENO);
}

std::string Tinted(const std::string& text, Tint tint) {
  return colored ? Sequence(tint) + text + "\033[0m" : text;
}

std::string TintedState(const std::string& state) {
  if (state == "RUNNING" || state == "SUCCEEDED" || state == "READY" || state == "COMMITTED") {
    return Tinted(state, Tint::kGreen);
  }
  if (state == "FAILED" || state == "DAMAGED" || state == "SUSPECT") {
    return Tinted(state, Tint::kRed);
  }
  return Tinted(state, Tint::kYellow);
}

void Note(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

ProgressLine::ProgressLine() : in_place_(isatty(STDERR_FILENO)) {}

ProgressLine::~ProgressLine() { Break(); }

void ProgressLine::Show(const std::string& text) {
  if (in_place_) {
    const std::string cut = text.substr(0, TerminalWidth() - 1);
    std::fprintf(stderr, "\r\033[K%s", cut.c_str());
    std::fflush(stderr);
    open_ = true;
    return;
  }
  const double now = NowS();
  if (text == last_ || now - last_s_ < kLineEveryS) {
    return;
  }
  last_s_ = now;
  last_ = text;
  Note(text);
}

void ProgressLine::Break() {
  if (open_) {
    std::fputc('\n', stderr);
  }
  open_ = false;
}

}  // namespace ocellus::cli
