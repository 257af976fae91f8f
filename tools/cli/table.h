// Columns of text.
#pragma once

#include <string>
#include <vector>

namespace ocellus::cli {

struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // each as long as the header
};

// Left-aligned columns two blanks apart, without blanks at line ends. Line ends and control
// characters in cells become blanks. Widths count code points, not bytes.
std::string Render(const Table& table);

// Text from elsewhere, fit for one line of a terminal: no control characters.
std::string OneLine(const std::string& text);

}  // namespace ocellus::cli
