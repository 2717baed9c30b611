#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>

#include "arguments.h"
#include "layout.h"
#include "linux/borrowed_socket.h"
#include "linux/inode_index.h"
#include "linux/process_fds.h"
#include "linux/sock_diag.h"
#include "linux/socket_reader.h"
#include "methods.h"
#include "unique_fd.h"

namespace cwg {
namespace {

// Closed by then, or of another protocol: nothing is taken from the process for those.
int WhyNotTcp(int pid, int fd) {
  switch (ProtocolOf(pid, fd)) {
    case SocketProtocol::kTcp:
      return 0;
    case SocketProtocol::kOther:
      return EPROTONOSUPPORT;
    default:
      return ENODATA;
  }
}

BorrowedSocket ReadOne(int pid, const UniqueFd& process, int fd, double inode) {
  BorrowedSocket socket;
  socket.record.error = WhyNotTcp(pid, fd);
  if (socket.record.error != 0) return socket;
  // What is no inode at all would be undefined behaviour to convert.
  const bool is_inode = inode >= 0 && inode < 9007199254740992.0;
  return ReadBorrowed(process, fd, is_inode ? static_cast<std::uint64_t>(inode) : 0);
}

struct FdArrays {
  Span<std::int32_t> fds;
  Span<std::uint8_t> kinds;
  Span<double> inodes;

  void Write(std::size_t row, const ProcessFd& fd) const {
    if (row >= fds.length) return;
    fds.data[row] = fd.fd;
    kinds.data[row] = static_cast<std::uint8_t>(fd.kind);
    inodes.data[row] = static_cast<double>(fd.inode);
  }
};

// Takes three arguments from `index` on.
FdArrays FdArraysOf(Arguments* arguments, std::size_t index) {
  FdArrays arrays;
  arrays.fds = arguments->Array<std::int32_t>(index, "fds", kInt32Array);
  arrays.kinds = arguments->Array<std::uint8_t>(index + 1, "kinds", kUint8Array, arrays.fds.length);
  arrays.inodes = arguments->Array<double>(index + 2, "inodes", kFloat64Array, arrays.fds.length);
  return arrays;
}

// An open connection on which nothing waits: most sockets of most processes, of which only the number matters.
bool IsIdle(const DumpedSocket& socket) {
  return socket.state == kTcpEstablished && socket.inode != 0 && socket.receive_queue == 0 && socket.send_queue == 0;
}

struct SocketArrays {
  double* values = nullptr;
  std::uint64_t* cookies = nullptr;
  std::uint8_t* endpoints = nullptr;
  Span<std::int32_t> fds;
  Span<double> idle;
  std::size_t rows = 0;
  std::size_t idle_rows = 0;

  void Take(std::size_t row, const DumpedSocket& socket) {
    if (row == 0) rows = idle_rows = 0;  // the dump is taken again
    if (idle.length > 0 && IsIdle(socket)) {
      if (idle_rows < idle.length) idle.data[idle_rows] = static_cast<double>(socket.inode);
      idle_rows++;
      return;
    }
    if (rows < fds.length) {
      WriteRow(kDumpColumns, socket, values + rows * kColumns);
      cookies[rows] = socket.cookie;
      PackEndpoints(socket.endpoints, endpoints + rows * kEndpointBytes);
    }
    rows++;
  }

  // Keeps the rows of sockets that the process has, with the lowest of their fds, and of those that nobody has (fd -1).
  // Of the idle ones only the number is kept. Marks each fd whose socket was in the dump.
  SyscallError KeepThoseOf(const FdArrays& open, std::size_t count, std::uint8_t* listed) {
    std::fill_n(listed, count, std::uint8_t{0});
    for (std::size_t row = 0; row < count; row++) {
      if (open.kinds.data[row] != static_cast<std::uint8_t>(FdKind::kSocket)) open.inodes.data[row] = 0;
    }
    InodeIndex index;
    if (!index.Build(open.inodes.data, count)) return {"malloc", ENOMEM};
    const auto mark = [listed](std::size_t row) { listed[row] = 1; };
    std::size_t kept_idle = 0;
    for (std::size_t i = 0; i < idle_rows; i++) {
      if (index.ForEach(idle.data[i], mark)) kept_idle++;
    }
    idle_rows = kept_idle;
    std::size_t kept = 0;
    for (std::size_t row = 0; row < rows; row++) {
      const double inode = values[row * kColumns + kInodeColumn];
      std::int32_t fd = -1;
      const bool is_open = index.ForEach(inode, [&](std::size_t at) {
        listed[at] = 1;
        fd = fd < 0 ? open.fds.data[at] : std::min(fd, open.fds.data[at]);
      });
      if (!is_open && inode != 0) continue;
      if (kept != row) Move(row, kept);
      fds.data[kept++] = fd;
    }
    rows = kept;
    return {};
  }

 private:
  static constexpr std::size_t kColumns = std::size(kDumpColumns);
  static constexpr std::size_t kInodeColumn = ColumnOf(kDumpColumns, &DumpedSocket::inode);

  void Move(std::size_t from, std::size_t to) const {
    std::copy_n(values + from * kColumns, kColumns, values + to * kColumns);
    cookies[to] = cookies[from];
    std::copy_n(endpoints + from * kEndpointBytes, kEndpointBytes, endpoints + to * kEndpointBytes);
  }
};

// Takes five arguments from `index` on.
SocketArrays SocketArraysOf(Arguments* arguments, std::size_t index) {
  SocketArrays arrays;
  const auto values = arguments->Array<double>(index, "values", kFloat64Array);
  const std::size_t capacity = values.length / std::size(kDumpColumns);
  arrays.values = values.data;
  arrays.cookies = arguments->Array<std::uint64_t>(index + 1, "cookies", kBigUint64Array, capacity).data;
  arrays.endpoints =
      arguments->Array<std::uint8_t>(index + 2, "endpoints", kUint8Array, capacity * kEndpointBytes).data;
  arrays.fds = arguments->Array<std::int32_t>(index + 3, "fdOf", kInt32Array, capacity);
  arrays.fds.length = capacity;
  arrays.idle = arguments->Array<double>(index + 4, "idle", kFloat64Array);
  return arrays;
}

}  // namespace

Napi::Value LookIntoMethod(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "lookInto");
  const int pid = static_cast<int>(arguments.Integer(0, "pid", 1, INT_MAX));
  const FdArrays fds = FdArraysOf(&arguments, 1);
  const auto listed = arguments.Array<std::uint8_t>(4, "listed", kUint8Array, fds.fds.length);
  DumpRequest request;
  request.state_mask = static_cast<std::uint32_t>(arguments.Integer(5, "stateMask", 0, UINT32_MAX));
  SocketArrays sockets = SocketArraysOf(&arguments, 6);
  const auto counts = arguments.Array<double>(11, "counts", kFloat64Array, 4);
  request.namespace_of = static_cast<int>(arguments.Integer(12, "namespaceOf", 0, INT_MAX));
  if (!arguments.ok()) return {};
  request.with_info = true;

  FdSearch search(pid, [&fds](std::size_t row, const ProcessFd& fd) { fds.Write(row, fd); });
  SyscallError error = search.Start();
  if (error) {
    ThrowSyscall(info.Env(), error);
    return {};
  }
  const auto take = [&sockets](std::size_t row, const DumpedSocket& socket) { sockets.Take(row, socket); };
  std::size_t dumped = 0, fd_rows = 0;
  const SyscallError refused = DumpSockets(request, take, &dumped);
  error = search.Finish(&fd_rows);
  const bool fits = fd_rows <= fds.fds.length && sockets.rows <= sockets.fds.length &&
                    (sockets.idle_rows <= sockets.idle.length || sockets.idle.length == 0);
  if (!error) error = refused;
  if (!error && fits) error = sockets.KeepThoseOf(fds, fd_rows, listed.data);
  if (error) {
    ThrowSyscall(info.Env(), error);
    return {};
  }
  counts.data[0] = static_cast<double>(fd_rows);
  counts.data[1] = static_cast<double>(sockets.rows);
  counts.data[2] = static_cast<double>(sockets.idle_rows);
  counts.data[3] = fits ? 1 : 0;
  return info.Env().Undefined();
}

Napi::Value ListProcessFdsMethod(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "listProcessFds");
  const int pid = static_cast<int>(arguments.Integer(0, "pid", 1, INT_MAX));
  const FdArrays fds = FdArraysOf(&arguments, 1);
  if (!arguments.ok()) return {};
  FdSearch search(pid, [&fds](std::size_t row, const ProcessFd& fd) { fds.Write(row, fd); });
  std::size_t rows = 0;
  SyscallError error = search.Start();
  if (!error) error = search.Finish(&rows);
  if (error) {
    ThrowSyscall(info.Env(), error);
    return {};
  }
  return Count(info.Env(), rows);
}

Napi::Value ReadProcessSocketsMethod(const Napi::CallbackInfo& info) {
  constexpr std::size_t kColumns = std::size(kRecordColumns);
  Arguments arguments(info, "readProcessSockets");
  const int pid = static_cast<int>(arguments.Integer(0, "pid", 1, INT_MAX));
  const auto fds = arguments.Array<std::int32_t>(1, "fds", kInt32Array);
  const std::size_t count = arguments.Size(2, "count", fds.length);
  const auto inodes = arguments.Array<double>(3, "inodes", kFloat64Array, count);
  const auto values = arguments.Array<double>(4, "values", kFloat64Array, count * kColumns);
  const auto cookies = arguments.Array<std::uint64_t>(5, "cookies", kBigUint64Array, count);
  const auto packed = arguments.Array<std::uint8_t>(6, "endpoints", kUint8Array, count * kEndpointBytes);
  if (!arguments.ok()) return {};
  UniqueFd process;
  if (SyscallError error = OpenProcess(pid, &process)) {
    ThrowSyscall(info.Env(), error);
    return {};
  }
  std::size_t read = 0;
  for (std::size_t i = 0; i < count; i++) {
    const BorrowedSocket socket = ReadOne(pid, process, fds.data[i], inodes.data[i]);
    WriteRow(kRecordColumns, socket.record, values.data + i * kColumns);
    cookies.data[i] = socket.record.cookie;
    PackEndpoints(socket.endpoints, packed.data + i * kEndpointBytes);
    if (socket.record.error == 0) read++;
  }
  return Count(info.Env(), read);
}

}  // namespace cwg
