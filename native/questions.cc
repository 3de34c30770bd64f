#include "questions.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>

#include "helper.h"
#include "receiver.h"

namespace {

/// Room for the largest datagram behind what waits to be told.
constexpr size_t kTellAtBytes = 32u << 10;
constexpr size_t kBufferBytes = kTellAtBytes + 2 * sizeof(Frame) + Aligned(Receiver::kSlotBytes);

/// What an answer is known by.
struct Asked {
  uint32_t port;
  uint32_t sequence;
};

/// What a datagram is for the question that was asked.
struct Seen {
  bool brought = false;
  bool ended = false;
};

Seen LookInto(const uint8_t* bytes, size_t length, uint32_t sequence) {
  Seen seen;
  for (size_t at = 0; length - at >= sizeof(nlmsghdr);) {
    nlmsghdr header;
    memcpy(&header, bytes + at, sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > length - at) break;
    if (header.nlmsg_seq == sequence) {
      if (header.nlmsg_type == NLMSG_ERROR) {
        int32_t error = 0;
        if (header.nlmsg_len >= sizeof header + sizeof error) memcpy(&error, bytes + at + sizeof header, sizeof error);
        // Without an error it is the acknowledgement of a question whose answer is yet to come.
        if (error != 0) seen.ended = true;
      } else if (header.nlmsg_type == NLMSG_DONE) {
        if ((header.nlmsg_flags & NLM_F_MULTI) != 0) seen.ended = true;
      } else if (header.nlmsg_type >= NLMSG_MIN_TYPE) {
        seen.brought = true;
      }
    }
    at += std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), length - at);
  }
  return seen;
}

class Teller {
 public:
  explicit Teller(int channel) : channel_(channel) {}

  bool IsBroken() const { return broken_; }

  void Tell(Frame::Kind kind, uint32_t index, int32_t error = 0) {
    Frame frame{};
    frame.kind = kind;
    frame.index = index;
    frame.error = error;
    Reserve(sizeof frame);
    memcpy(buffer_ + used_, &frame, sizeof frame);
    used_ += sizeof frame;
  }

  /// Where the next datagram may be received.
  uint8_t* Slot() {
    Reserve(sizeof(Frame) + Aligned(Receiver::kSlotBytes));
    return buffer_ + used_ + sizeof(Frame);
  }

  /// Of what lies in the slot.
  void TellDatagram(const ReceivedDatagram& datagram) {
    Frame frame{};
    frame.kind = Frame::Kind::kDatagram;
    frame.length = datagram.length;
    frame.port = datagram.port;
    frame.groups = datagram.groups;
    frame.group = datagram.group;
    frame.truncated = datagram.truncated ? 1 : 0;
    memcpy(buffer_ + used_, &frame, sizeof frame);
    used_ += sizeof frame + Aligned(datagram.length);
    if (used_ >= kTellAtBytes) Flush();
  }

  void Flush() {
    for (size_t at = 0; at < used_ && !broken_;) {
      const ssize_t count = send(channel_, buffer_ + at, used_ - at, MSG_NOSIGNAL);
      if (count >= 0)
        at += static_cast<size_t>(count);
      else if (errno != EINTR)
        broken_ = true;
    }
    // What was received may be secret, and a process that sticks in the kernel keeps its memory.
    memset(buffer_, 0, used_);
    used_ = 0;
  }

 private:
  void Reserve(size_t length) {
    if (kBufferBytes - used_ < length) Flush();
  }

  static uint8_t buffer_[kBufferBytes];
  const int channel_;
  size_t used_ = 0;
  bool broken_ = false;
};

alignas(kAlignment) uint8_t Teller::buffer_[kBufferBytes];

/// Receives until the answer is complete. False where it cannot go on; what it has received is told.
bool ReceiveAnswer(int socket, int channel, const Asked& asked, const AskProgress& progress, Teller* teller,
                   bool* brought) {
  for (;;) {
    if (progress.stop.load(std::memory_order_relaxed) || teller->IsBroken()) return false;
    sockaddr_nl address{};
    alignas(cmsghdr) char control[kControlBytes];
    iovec part{};
    part.iov_base = teller->Slot();
    part.iov_len = Receiver::kSlotBytes;
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = sizeof address;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t count = recvmsg(socket, &message, MSG_DONTWAIT | MSG_TRUNC);
    if (count >= 0) {
      const ReceivedDatagram datagram =
          Describe(message, address, static_cast<const uint8_t*>(part.iov_base), static_cast<size_t>(count));
      const bool counts = datagram.port == asked.port && !datagram.truncated;
      const Seen seen = counts ? LookInto(datagram.bytes, datagram.length, asked.sequence) : Seen{};
      // It may be told at once, and its memory is cleared then.
      teller->TellDatagram(datagram);
      if (seen.brought) *brought = true;
      if (seen.ended) return true;
    } else if (errno == EAGAIN) {
      // A kernel has answered when it returns from sendmsg(); others take their time.
      teller->Flush();
      pollfd both[2] = {{socket, POLLIN, 0}, {channel, POLLIN, 0}};
      if (poll(both, 2, -1) > 0 && both[1].revents != 0) return false;
    } else if (errno != EINTR) {
      if (errno == ENOBUFS) teller->Tell(Frame::Kind::kOverrun, 0);
      // Any other is still there for the owner, who polls again.
      return false;
    }
  }
}

}  // namespace

bool AskEach(int socket, int channel, const uint8_t* questions, size_t length, uint32_t count, uint32_t port,
             AskProgress* progress) {
  Teller teller(channel);
  uint64_t brought_before = 0;
  uint32_t index = 0;
  bool goes_on = true;
  for (size_t at = 0; goes_on && index < count && length - at >= sizeof(QuestionHeader); index++) {
    QuestionHeader header;
    memcpy(&header, questions + at, sizeof header);
    at += sizeof header;
    if (header.length < sizeof(nlmsghdr) || header.length > length - at || header.only_if_previous > kMaximumPrevious)
      break;
    const uint8_t* bytes = questions + at;
    at += std::min(Aligned(header.length), length - at);
    if (progress->stop.load(std::memory_order_relaxed)) break;

    const uint64_t needed =
        header.only_if_previous == 0 ? 0 : ~uint64_t{0} >> (kMaximumPrevious - header.only_if_previous);
    progress->started.store(index + 1, std::memory_order_release);
    bool brought = false;
    if ((brought_before & needed) != needed) {
      progress->returned.store(index + 1, std::memory_order_release);
      teller.Tell(Frame::Kind::kSkipped, index);
    } else {
      const int error = SendDatagram(socket, bytes, header.length, port, 0);
      progress->returned.store(index + 1, std::memory_order_release);
      nlmsghdr asked;
      memcpy(&asked, bytes, sizeof asked);
      if (error == 0)
        goes_on = ReceiveAnswer(socket, channel, Asked{port, asked.nlmsg_seq}, *progress, &teller, &brought);
      // Not before: once all are told of, the owner receives again.
      teller.Tell(Frame::Kind::kAsked, index, error);
    }
    brought_before = brought_before << 1 | (brought ? 1 : 0);
  }
  teller.Tell(Frame::Kind::kEnd, index);
  teller.Flush();
  return !teller.IsBroken();
}
