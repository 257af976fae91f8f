#include "tools/cli/table.h"

#include <algorithm>

namespace ocellus::cli {
namespace {

size_t Width(const std::string& text) {
  return std::count_if(text.begin(), text.end(),
                       [](unsigned char c) { return (c & 0xC0) != 0x80; });
}

void AddRow(const std::vector<std::string>& cells, const std::vector<size_t>& widths,
            std::string* out) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string cell = OneLine(cells[i]);
    line += cell;
    if (i + 1 < cells.size()) {
      line.append(widths[i] - Width(cell) + 2, ' ');
    }
  }
  line.erase(line.find_last_not_of(' ') + 1);
  *out += line + "\n";
}

}  // namespace

std::string OneLine(const std::string& text) {
  std::string line = text;
  for (char& c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      c = ' ';
    }
  }
  return line;
}

std::string Render(const Table& table) {
  std::vector<size_t> widths;
  for (const std::string& title : table.header) {
    widths.push_back(Width(title));
  }
  for (const auto& row : table.rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], Width(OneLine(row[i])));
    }
  }
  std::string out;
  AddRow(table.header, widths, &out);
  for (const auto& row : table.rows) {
    AddRow(row, widths, &out);
  }
  return out;
}

}  // namespace ocellus::cli
