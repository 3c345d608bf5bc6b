// The HTML form of a result: one self-contained file with charts, for light and dark screens, that
// needs no network. Its page is sim/report/page/. Thread rule: pure functions.
#pragma once

#include <string>

#include "sim/report/run_result.h"

namespace chat::sim {

/// The whole page, with the result's JSON inside it.
std::string html_report(const RunResult& result);

/// The parts of the page, compiled in.
extern const char* const kReportHtml;
extern const char* const kReportCss;
extern const char* const kReportJs;

}  // namespace chat::sim
