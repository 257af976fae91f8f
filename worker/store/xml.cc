#include "worker/store/xml.h"

#include <cstdlib>
#include <utility>

namespace ocellus::store {
namespace {

constexpr int kDepthMax = 32;

void AppendUtf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    *out += static_cast<char>(code);
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  *out += static_cast<char>((0xff << (7 - more) & 0xff) | code >> (6 * more));
  for (int i = more - 1; i >= 0; --i) *out += static_cast<char>(0x80 | (code >> (6 * i) & 63));
}

std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t end = text[i] == '&' ? text.find(';', i) : std::string_view::npos;
    if (end == std::string_view::npos) {
      out += text[i];
      continue;
    }
    const std::string name(text.substr(i + 1, end - i - 1));
    if (name == "amp") out += '&';
    if (name == "lt") out += '<';
    if (name == "gt") out += '>';
    if (name == "quot") out += '"';
    if (name == "apos") out += '\'';
    if (name.starts_with("#")) {
      const bool hex = name.size() > 1 && name[1] == 'x';
      const auto code = std::strtoul(name.c_str() + (hex ? 2 : 1), nullptr, hex ? 16 : 10);
      if (code > 0 && code < 0x110000) AppendUtf8(static_cast<uint32_t>(code), &out);
    }
    i = end;
  }
  return out;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::optional<XmlElement> Parse() {
    XmlElement root;
    SkipToTag();
    if (!Element(&root, 0)) return std::nullopt;
    return root;
  }

 private:
  // Past white space, <?...?>, <!...> to the next element.
  void SkipToTag() {
    while (at_ < text_.size()) {
      const size_t tag = text_.find('<', at_);
      if (tag == std::string_view::npos || tag + 1 >= text_.size()) return;
      at_ = tag;
      if (text_[tag + 1] != '?' && text_[tag + 1] != '!') return;
      const bool comment = text_.substr(tag).starts_with("<!--");
      const size_t end = text_.find(comment ? "-->" : ">", tag);
      at_ = end == std::string_view::npos ? text_.size() : end + 1;
    }
  }

  // at_ is at the '<' of an element's beginning.
  bool Element(XmlElement* element, int depth) {
    const size_t close = text_.find('>', at_);
    if (depth > kDepthMax || at_ >= text_.size() || text_[at_] != '<') return false;
    if (close == std::string_view::npos) return false;
    std::string_view tag = text_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    const bool empty = tag.ends_with('/');
    if (empty) tag.remove_suffix(1);
    std::string_view name = tag.substr(0, tag.find_first_of(" \t\r\n"));
    const std::string qualified(name);
    name.remove_prefix(name.find(':') + 1);
    element->name = name;
    if (element->name.empty()) return false;
    return empty || Content(element, "</" + qualified, depth);
  }

  bool Content(XmlElement* element, const std::string& end, int depth) {
    for (;;) {
      const size_t tag = text_.find('<', at_);
      if (tag == std::string_view::npos) return false;
      element->text += Unescape(text_.substr(at_, tag - at_));
      at_ = tag;
      const std::string_view rest = text_.substr(at_);
      if (rest.starts_with("</")) {
        const size_t close = text_.find('>', at_);
        if (!rest.starts_with(end) || close == std::string_view::npos) return false;
        at_ = close + 1;
        return true;
      }
      if (rest.starts_with("<!--")) {
        const size_t close = text_.find("-->", at_);
        if (close == std::string_view::npos) return false;
        at_ = close + 3;
        continue;
      }
      XmlElement child;
      if (!Element(&child, depth + 1)) return false;
      element->children.push_back(std::move(child));
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

const XmlElement* XmlElement::Child(std::string_view child_name) const {
  for (const XmlElement& child : children) {
    if (child.name == child_name) return &child;
  }
  return nullptr;
}

std::string XmlElement::TextOf(std::string_view child_name) const {
  const XmlElement* child = Child(child_name);
  return child == nullptr ? "" : child->text;
}

std::optional<XmlElement> ParseXml(std::string_view text) { return Parser(text).Parse(); }

std::string XmlEscape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&apos;";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "&#" + std::to_string(static_cast<int>(c)) + ";";
        } else {
          out += c;
        }
    }
  }
  return out;
}

}  // namespace ocellus::store
