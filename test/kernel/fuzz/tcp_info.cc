// libFuzzer: ParseTcpInfo() over a struct of any length, and the record that JavaScript gets of it. See ../fuzz.sh.
#include "../../../native/linux/tcp_info.h"

#include <cstdlib>

#include "../../../native/layout.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t length) {
  const fuzz::Exact exact = fuzz::Input(bytes, length).Rest();
  const cwg::TcpInfo info = cwg::ParseTcpInfo(exact.bytes.get(), exact.length);
  // A field behind the end is absent, and no 32-bit field is negative.
  if ((info.state == cwg::kAbsent) != (length == 0)) std::abort();
  if (info.receive_window != cwg::kAbsent && length < 236) std::abort();
  for (const std::int64_t value : {info.unacked, info.sacked, info.last_data_sent_ms, info.last_data_recv_ms,
                                   info.last_ack_recv_ms, info.receive_window}) {
    if (value < cwg::kAbsent || value > UINT32_MAX) std::abort();
  }
  cwg::SocketRecord record;
  static_cast<cwg::TcpProgress&>(record) = info;
  record.state = info.state;
  double row[std::size(cwg::kRecordColumns)];
  cwg::WriteRow(cwg::kRecordColumns, record, row);
  for (const double value : row) {
    if (value != value) std::abort();
  }
  return 0;
}
