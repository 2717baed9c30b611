#ifndef CLOSE_WAIT_GUARD_SOCKET_RECORD_H_
#define CLOSE_WAIT_GUARD_SOCKET_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace cwg {

// The layout that native code and src/kernel/native.ts share. JavaScript compares the version and the names when it
// loads the binary, so a prebuilt binary from another release is refused instead of being misread.
inline constexpr int kLayoutVersion = 2;

enum RecordColumn : std::size_t {
  kErrno,
  kState,
  kLastDataSentMs,
  kLastDataRecvMs,
  kLastAckRecvMs,
  kBytesAcked,
  kBytesReceived,
  kUnreadBytes,
  kUnsentBytes,
  kReceiveWindow,
  kAcceptQueue,
  kBacklog,
  kInfoErrno,
  kRecordColumns,
};

inline constexpr const char* kRecordFields[] = {
    "errno",      "state",         "lastDataSentMs", "lastDataRecvMs", "lastAckRecvMs", "bytesAcked",
    "bytesReceived", "unreadBytes", "unsentBytes",    "receiveWindow",  "acceptQueue",   "backlog",
    "infoErrno",
};
static_assert(std::size(kRecordFields) == kRecordColumns, "one name for each column");

enum DumpColumn : std::size_t {
  kDumpState,
  kDumpFamily,
  kDumpLocalPort,
  kDumpRemotePort,
  kDumpInode,
  kDumpReceiveQueue,
  kDumpSendQueue,
  kDumpUid,
  kDumpLastAckRecvMs,
  kDumpBytesAcked,
  kDumpBytesReceived,
  kDumpColumns,
};

inline constexpr const char* kDumpFields[] = {
    "state", "family", "localPort", "remotePort", "inode", "receiveQueue", "sendQueue", "uid",
    "lastAckRecvMs", "bytesAcked", "bytesReceived",
};
static_assert(std::size(kDumpFields) == kDumpColumns, "one name for each column");

// A column that the kernel did not return.
inline constexpr double kAbsent = -1;

// A packed endpoint pair: where each part starts. Ports are little-endian, addresses in network order.
inline constexpr std::size_t kEndpointFamily = 0;
inline constexpr std::size_t kEndpointLocalPort = 2;
inline constexpr std::size_t kEndpointRemotePort = 4;
inline constexpr std::size_t kEndpointLocalAddress = 8;
inline constexpr std::size_t kEndpointRemoteAddress = 24;
inline constexpr std::size_t kEndpointBytes = 40;
inline constexpr std::size_t kAddressBytes = 16;

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_SOCKET_RECORD_H_
