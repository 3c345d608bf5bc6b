#include "sim/report/html_report.h"

#include <string_view>

#include "core/base/assert.h"
#include "sim/report/result_json.h"

namespace chat::sim {
namespace {

void fill(std::string& page, std::string_view place, std::string_view text) {
  const size_t at = page.find(place);
  CHAT_ASSERT(at != std::string::npos);
  page.replace(at, place.size(), text);
}

/// JSON inside a script element must not close it, whatever its strings hold.
std::string script_safe(const std::string& json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string html_report(const RunResult& result) {
  std::string page = kReportHtml;
  fill(page, "{{title}}", html_escaped(result.scenario));
  fill(page, "{{css}}", kReportCss);
  fill(page, "{{js}}", kReportJs);
  fill(page, "{{json}}", script_safe(result_json(result)));
  return page;
}

}  // namespace chat::sim
