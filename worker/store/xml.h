// As much XML as S3 and STS answer with: elements and text. No attributes, no namespaces (both are
// read over), no DTD, no entities of one's own. Depth and size are bounded by the caller's text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ocellus::store {

struct XmlElement {
  std::string name;  // without a namespace prefix
  std::string text;  // of this element itself, entities resolved
  std::vector<XmlElement> children;

  // The first child of that name; null when there is none. Valid as long as this element.
  const XmlElement* Child(std::string_view child_name) const;
  // Its text; "" when there is none.
  std::string TextOf(std::string_view child_name) const;
};

// The root element. Nothing when the text is not well-formed or nests deeper than 32.
std::optional<XmlElement> ParseXml(std::string_view text);

// `text` with & < > " and ' as entities, and control characters as &#...;.
std::string XmlEscape(std::string_view text);

}  // namespace ocellus::store
