#include "receiver.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>

Receiver::~Receiver() {
  if (memory_ != nullptr) munmap(memory_, kSlots * kSlotBytes);
}

bool Receiver::Allocate() {
  if (memory_ != nullptr) return true;
  void* memory =
      mmap(nullptr, kSlots * kSlotBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  memory_ = static_cast<uint8_t*>(memory);
  slots_ = std::make_unique<Slot[]>(kSlots);
  messages_ = std::make_unique<mmsghdr[]>(kSlots);
  return true;
}

int Receiver::Receive(int socket, size_t from, size_t limit) {
  for (size_t index = from; index < from + limit; index++) {
    // The kernel writes to all of these.
    Slot& slot = slots_[index];
    slot.address = {};
    slot.part.iov_base = memory_ + index * kSlotBytes;
    slot.part.iov_len = kSlotBytes;
    mmsghdr& message = messages_[index];
    message = {};
    message.msg_hdr.msg_name = &slot.address;
    message.msg_hdr.msg_namelen = sizeof slot.address;
    message.msg_hdr.msg_iov = &slot.part;
    message.msg_hdr.msg_iovlen = 1;
    message.msg_hdr.msg_control = slot.control;
    message.msg_hdr.msg_controllen = sizeof slot.control;
  }
  for (;;) {
    // MSG_DONTWAIT, because the descriptor itself is left in blocking mode for the sender thread. MSG_TRUNC: msg_len is
    // the datagram's real length.
    const int count =
        recvmmsg(socket, &messages_[from], static_cast<unsigned>(limit), MSG_DONTWAIT | MSG_TRUNC, nullptr);
    if (count >= 0) return count;
    if (errno != EINTR) return -errno;
  }
}

int Receiver::ReceiveBatch(int socket, int* error) {
  *error = 0;
  if (!Allocate()) {
    *error = ENOMEM;
    return 0;
  }
  size_t filled = 0;
  size_t bytes = 0;
  // Rounds of ascending size: a wake-up usually finds one datagram or a few, and preparing all slots for each would be
  // waste.
  size_t round = 8;
  while (filled < kSlots && bytes < kBatchBytes) {
    const size_t limit = std::min(round, kSlots - filled);
    const int count = Receive(socket, filled, limit);
    if (count < 0) {
      // An overrun between two rounds comes after what the first has brought.
      *error = -count;
      break;
    }
    for (int index = 0; index < count; index++)
      bytes += std::min<size_t>(messages_[filled + static_cast<size_t>(index)].msg_len, kSlotBytes);
    filled += static_cast<size_t>(count);
    if (static_cast<size_t>(count) < limit) break;
    round *= 4;
  }
  return static_cast<int>(filled);
}

ReceivedDatagram Receiver::At(size_t index) const {
  const mmsghdr& message = messages_[index];
  return Describe(message.msg_hdr, slots_[index].address, memory_ + index * kSlotBytes, message.msg_len);
}

ReceivedDatagram Describe(const msghdr& message, const sockaddr_nl& address, const uint8_t* bytes, size_t length) {
  ReceivedDatagram datagram{};
  datagram.bytes = bytes;
  datagram.length = static_cast<uint32_t>(std::min<size_t>(length, Receiver::kSlotBytes));
  // Cut control data (there is room for all that was asked for) would make a multicast pass for a unicast: as little to
  // be trusted as a cut datagram.
  datagram.truncated = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || length > Receiver::kSlotBytes;
  if (message.msg_namelen >= sizeof address) {
    datagram.port = address.nl_pid;
    datagram.groups = address.nl_groups;
  } else {
    // Never seen; but a sender that is not known must not pass for the kernel, which is 0.
    datagram.port = UINT32_MAX;
  }
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr;
       control = CMSG_NXTHDR(const_cast<msghdr*>(&message), control)) {
    if (control->cmsg_level == SOL_NETLINK && control->cmsg_type == NETLINK_PKTINFO &&
        control->cmsg_len >= CMSG_LEN(sizeof(nl_pktinfo))) {
      nl_pktinfo info;
      memcpy(&info, CMSG_DATA(control), sizeof info);
      datagram.group = info.group;
    }
  }
  return datagram;
}
