#include "http/sse_writer.h"

#include <algorithm>

namespace chasqui::http {

std::string sse_frame(std::string_view event, std::string_view data) {
  std::string frame;
  frame.reserve(event.size() + data.size() + 24);
  if (!event.empty()) frame.append("event: ").append(event).append("\n");
  // A client takes "\r", "\n" and "\r\n" for line ends alike, so each begins a data line.
  size_t begin = 0;
  while (true) {
    const size_t end = std::min(data.find_first_of("\r\n", begin), data.size());
    frame.append("data: ").append(data.substr(begin, end - begin)).append("\n");
    if (end == data.size()) break;
    begin = end + (data.substr(end, 2) == "\r\n" ? 2 : 1);
  }
  frame.append("\n");
  return frame;
}

void SseWriter::start(int status, Headers headers) {
  Response head;
  head.status = status;
  head.content_type = "text/event-stream; charset=utf-8";
  head.headers = std::move(headers);
  head.headers.add("Cache-Control", "no-cache, no-store");
  head.headers.add("X-Accel-Buffering", "no");  // nginx would hold small events back
  exchange_->start_stream(std::move(head), ": ping - {time}\n\n");
}

bool SseWriter::send(std::string_view data) {
  return exchange_->write(sse_frame({}, data));
}

bool SseWriter::send(std::string_view event, std::string_view data) {
  return exchange_->write(sse_frame(event, data));
}

void SseWriter::done() {
  send("[DONE]");
  end();
}

}  // namespace chasqui::http
