// How records and endpoints lie in the arrays that JavaScript owns. The addon exports all names and offsets of this
// file, and JavaScript compares version and names when it loads a binary: one of another release is refused, not
// misread.
#ifndef CLOSE_WAIT_GUARD_LAYOUT_H_
#define CLOSE_WAIT_GUARD_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "linux/endpoints.h"
#include "linux/process_fds.h"
#include "linux/socket_record.h"

namespace cwg {

inline constexpr int kLayoutVersion = 4;

template <typename Record>
struct Column {
  const char* name;
  std::int64_t Record::*value;
};

inline constexpr Column<SocketRecord> kRecordColumns[] = {
    {"errno", &SocketRecord::error},
    {"state", &SocketRecord::state},
    {"lastDataSentMs", &SocketRecord::last_data_sent_ms},
    {"lastDataRecvMs", &SocketRecord::last_data_recv_ms},
    {"lastAckRecvMs", &SocketRecord::last_ack_recv_ms},
    {"bytesAcked", &SocketRecord::bytes_acked},
    {"bytesReceived", &SocketRecord::bytes_received},
    {"unreadBytes", &SocketRecord::unread_bytes},
    {"unsentBytes", &SocketRecord::unsent_bytes},
    {"receiveWindow", &SocketRecord::receive_window},
    {"acceptQueue", &SocketRecord::accept_queue},
    {"backlog", &SocketRecord::backlog},
    {"infoErrno", &SocketRecord::info_error},
};
static_assert(sizeof(SocketRecord) == (std::size(kRecordColumns) + 1) * sizeof(std::int64_t),
              "every field but the cookie has a column");

inline constexpr Column<DumpedSocket> kDumpColumns[] = {
    {"state", &DumpedSocket::state},
    {"family", &DumpedSocket::family},
    {"localPort", &DumpedSocket::local_port},
    {"remotePort", &DumpedSocket::remote_port},
    {"inode", &DumpedSocket::inode},
    {"receiveQueue", &DumpedSocket::receive_queue},
    {"sendQueue", &DumpedSocket::send_queue},
    {"uid", &DumpedSocket::uid},
    {"lastAckRecvMs", &DumpedSocket::last_ack_recv_ms},
    {"bytesAcked", &DumpedSocket::bytes_acked},
    {"bytesReceived", &DumpedSocket::bytes_received},
    {"lastDataSentMs", &DumpedSocket::last_data_sent_ms},
    {"lastDataRecvMs", &DumpedSocket::last_data_recv_ms},
    {"receiveWindow", &DumpedSocket::receive_window},
    {"memoryBytes", &DumpedSocket::memory_bytes},
};

// Where a field is in a row.
template <typename Record, std::size_t kColumns>
constexpr std::size_t ColumnOf(const Column<Record> (&columns)[kColumns], std::int64_t Record::*value) {
  std::size_t column = 0;
  while (columns[column].value != value) column++;
  return column;
}

struct FdKindName {
  FdKind kind;
  const char* name;
};

// In the order of their numbers.
inline constexpr FdKindName kFdKinds[] = {
    {FdKind::kOther, "other"},     {FdKind::kSocket, "socket"},    {FdKind::kPipe, "pipe"},
    {FdKind::kFile, "file"},       {FdKind::kDevice, "device"},    {FdKind::kEpoll, "epoll"},
    {FdKind::kEvent, "event"},     {FdKind::kTimer, "timer"},      {FdKind::kSignal, "signal"},
    {FdKind::kInotify, "inotify"}, {FdKind::kIoUring, "io_uring"}, {FdKind::kMemory, "memory"},
    {FdKind::kProcess, "process"},
};

constexpr bool IsInOrder() {
  for (std::size_t i = 0; i < std::size(kFdKinds); i++) {
    if (static_cast<std::size_t>(kFdKinds[i].kind) != i) return false;
  }
  return true;
}
static_assert(IsInOrder());

// Writes one double for each column.
template <typename Record, std::size_t kColumns>
void WriteRow(const Column<Record> (&columns)[kColumns], const Record& record, double* row) {
  for (std::size_t i = 0; i < kColumns; i++) row[i] = static_cast<double>(record.*columns[i].value);
}

// A packed pair of endpoints: where each part begins. Ports are little-endian, addresses in network order; the bytes
// between the parts are 0.
inline constexpr std::size_t kFamilyOffset = 0;
inline constexpr std::size_t kLocalPortOffset = 2;
inline constexpr std::size_t kRemotePortOffset = 4;
inline constexpr std::size_t kLocalAddressOffset = 8;
inline constexpr std::size_t kRemoteAddressOffset = kLocalAddressOffset + kAddressBytes;
inline constexpr std::size_t kEndpointBytes = kRemoteAddressOffset + kAddressBytes;

struct EndpointField {
  const char* name;
  std::size_t offset;
};

inline constexpr EndpointField kEndpointFields[] = {
    {"family", kFamilyOffset},
    {"localPort", kLocalPortOffset},
    {"remotePort", kRemotePortOffset},
    {"localAddress", kLocalAddressOffset},
    {"remoteAddress", kRemoteAddressOffset},
};

inline void PackPort(std::uint16_t port, std::uint8_t* slot) {
  slot[0] = static_cast<std::uint8_t>(port & 0xff);
  slot[1] = static_cast<std::uint8_t>(port >> 8);
}

// Writes kEndpointBytes bytes.
inline void PackEndpoints(const Endpoints& endpoints, std::uint8_t* packed) {
  std::memset(packed, 0, kEndpointBytes);
  packed[kFamilyOffset] = endpoints.family;
  PackPort(endpoints.local.port, packed + kLocalPortOffset);
  PackPort(endpoints.remote.port, packed + kRemotePortOffset);
  std::memcpy(packed + kLocalAddressOffset, endpoints.local.address, kAddressBytes);
  std::memcpy(packed + kRemoteAddressOffset, endpoints.remote.address, kAddressBytes);
}

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LAYOUT_H_
