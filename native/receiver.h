#ifndef NODE_DRBD_NATIVE_RECEIVER_H_
#define NODE_DRBD_NATIVE_RECEIVER_H_

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>

/// What recvmmsg() told about one datagram. `bytes` is valid until the next receive.
struct ReceivedDatagram {
  const uint8_t* bytes;
  /// As stored: at most Receiver::kSlotBytes.
  uint32_t length;
  uint32_t port;
  uint32_t groups;
  uint32_t group;
  bool truncated;
};

/// Room for the control data that an open socket asks for.
constexpr size_t kControlBytes = CMSG_SPACE(sizeof(nl_pktinfo));

/// What a receiving call with MSG_TRUNC has stored: `length` is what it returned, the datagram's real length.
ReceivedDatagram Describe(const msghdr& message, const sockaddr_nl& address, const uint8_t* bytes, size_t length);

/// The receive buffer of an environment, reused by all of its sockets, and the calls that fill it. The pages of its
/// slots are only touched by datagrams that reach into them, so the usual small ones cost a page each.
class Receiver {
 public:
  /// DRBD's largest datagram is a dump_ee of 32,904 bytes, and generic netlink dumps come in 32 KiB; 64 KiB and headers
  /// leave room.
  static constexpr size_t kSlotBytes = (64u << 10) + 4096;
  static constexpr size_t kSlots = 64;
  /// A batch ends when it holds this much, so that a flood leaves the event loop its turns.
  static constexpr size_t kBatchBytes = 1u << 20;

  Receiver() = default;
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// Receives without waiting until the socket is empty or the batch is full, into the slots from the first on.
  /// Returns the number of datagrams. `error` is what ended it: 0, EAGAIN (empty), or another errno, which the socket
  /// has told only here.
  int ReceiveBatch(int socket, int* error);
  /// What the last receive stored in slot `index`.
  ReceivedDatagram At(size_t index) const;

 private:
  bool Allocate();
  int Receive(int socket, size_t from, size_t limit);

  uint8_t* memory_ = nullptr;
  struct Slot {
    sockaddr_nl address;
    iovec part;
    alignas(cmsghdr) char control[kControlBytes];
  };
  std::unique_ptr<Slot[]> slots_;
  std::unique_ptr<mmsghdr[]> messages_;
};

#endif  // NODE_DRBD_NATIVE_RECEIVER_H_
