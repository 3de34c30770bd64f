#ifndef NODE_DRBD_NATIVE_QUESTIONS_H_
#define NODE_DRBD_NATIVE_QUESTIONS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

/// Questions of netlink that a helper process asks one after the other, each when the one before it is answered: a
/// program that has hundreds of them hands them over once. What is received goes back as it came, for the owner of the
/// socket to judge; the helper looks into it only to know when an answer is complete.

/// Before the bytes of each question, which are padded to a multiple of kAlignment.
struct QuestionHeader {
  uint32_t length;
  /// The question is left out unless each of so many before it has brought a message beside the end of its answer.
  uint32_t only_if_previous;
};

/// As many as AskEach() remembers.
constexpr uint32_t kMaximumPrevious = 64;
constexpr size_t kAlignment = 8;

constexpr size_t Aligned(size_t length) {
  return (length + kAlignment - 1) & ~(kAlignment - 1);
}

/// Memory that both processes see: how far the questions are, at any moment.
struct AskProgress {
  /// Questions that were begun or left out.
  std::atomic<uint32_t> started{0};
  /// Those of them whose sendmsg() has returned.
  std::atomic<uint32_t> returned{0};
  /// Set by the owner: nothing more is to be sent.
  std::atomic<bool> stop{false};
};

/// What comes back through the channel. The bytes of a datagram follow, padded like those of a question.
struct Frame {
  enum class Kind : uint32_t {
    /// A datagram, of whatever sender.
    kDatagram = 0,
    /// sendmsg() for question `index` returned `error`, or 0; what has come of its answer was told before.
    kAsked = 1,
    /// Question `index` was left out.
    kSkipped = 2,
    /// The kernel has dropped messages (ENOBUFS).
    kOverrun = 3,
    /// The last one. Questions from `index` on were not asked.
    kEnd = 4,
  };
  Kind kind;
  uint32_t index;
  int32_t error;
  /// Of the datagram's bytes.
  uint32_t length;
  uint32_t port;
  uint32_t groups;
  uint32_t group;
  uint32_t truncated;
};
static_assert(sizeof(Frame) % kAlignment == 0 && sizeof(QuestionHeader) % kAlignment == 0, "frames stay aligned");

/// Asks them all through `socket` and tells `channel`. Returns whether the other end of the channel is still there.
/// Makes system calls and nothing else: it runs in a process that was cloned from one with many threads.
bool AskEach(int socket, int channel, const uint8_t* questions, size_t length, uint32_t count, uint32_t port,
             AskProgress* progress);

#endif  // NODE_DRBD_NATIVE_QUESTIONS_H_
