#include "helper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "descriptor.h"

namespace {

/// What goes to the helper before the bytes, with the netlink socket beside it (SCM_RIGHTS).
struct Header {
  uint64_t length;
  uint32_t port;
  uint32_t groups;
  /// 0: the bytes are a datagram, else so many questions.
  uint64_t questions;
};

/// Memory that a process has in common with its helper.
class SharedProgress {
 public:
  SharedProgress()
      : memory_(mmap(nullptr, sizeof(AskProgress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)),
        progress_(memory_ == MAP_FAILED ? nullptr : new (memory_) AskProgress) {}
  ~SharedProgress() {
    if (progress_ != nullptr) munmap(memory_, sizeof(AskProgress));
  }
  SharedProgress(const SharedProgress&) = delete;
  SharedProgress& operator=(const SharedProgress&) = delete;

  /// Null if there is no memory.
  AskProgress* Get() const { return progress_; }

 private:
  void* const memory_;
  AskProgress* const progress_;
};

/// Where the kernel finds what /proc/PID/cmdline and environ show.
struct ShownWords {
  uintptr_t argv_start = 0;
  uintptr_t argv_end = 0;
  uintptr_t environment_start = 0;
  uintptr_t environment_end = 0;
};

class Helper {
 public:
  Helper(int channel, pid_t pid, std::unique_ptr<SharedProgress> progress)
      : channel_(channel), pid_(pid), progress_(std::move(progress)) {}
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  /// Null: `outcome` says why none was started.
  static std::unique_ptr<Helper> Start(SendOutcome* outcome);

  /// False if the helper is gone; `outcome` is then kHandOver or kLost.
  bool Send(int socket, const uint8_t* bytes, size_t length, uint32_t port, uint32_t groups, SendOutcome* outcome);
  bool Ask(int socket, const uint8_t* questions, size_t length, uint32_t count, uint32_t port, Asker* asker,
           SendOutcome* outcome);

 private:
  /// Takes away what is left of it, for one that has closed its end of the channel: it is a zombie by now, or about to
  /// be.
  void Reap() const;
  /// Says how it was lost, and takes away what is left of it. `count` is what receiving from it returned.
  SendOutcome Lost(ssize_t count) const;
  /// Passes frames on until the last one has come. Returns what receiving returned.
  ssize_t PassOn(Asker* asker) const;
  bool HandOver(int socket, const Header& header, const uint8_t* bytes, SendOutcome* outcome);

  Descriptor channel_;
  const pid_t pid_;
  const std::unique_ptr<SharedProgress> progress_;
};

struct Helpers {
  std::mutex mutex;
  std::vector<std::unique_ptr<Helper>> idle;
};

// Never destroyed: a sender thread may come back from a stuck helper while the process is on its way out.
Helpers& TheHelpers() {
  static Helpers* helpers = new Helpers;
  return *helpers;
}

// A helper that was killed between two datagrams is replaced; one after the other means that something else is wrong.
constexpr int kMaximumStarts = 3;

constexpr size_t kBufferBytes = 64u << 10;

/// Field numbers of /proc/PID/stat (proc(5)), there since Linux 3.5.
constexpr int kArgStartField = 48;
constexpr int kEnvEndField = 51;

ShownWords ReadShownWords() {
  ShownWords words;
  const int number = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (number < 0) return words;
  const Descriptor file(number);
  char text[4096];
  size_t length = 0;
  for (;;) {
    const ssize_t count = read(number, text + length, sizeof text - 1 - length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    length += static_cast<size_t>(count);
  }
  text[length] = '\0';
  // The second field is a name, which may hold blanks and parentheses.
  const char* at = strrchr(text, ')');
  if (at == nullptr) return words;
  at++;
  uintptr_t values[kEnvEndField - kArgStartField + 1] = {};
  for (int field = 3; field <= kEnvEndField; field++) {
    while (*at == ' ') at++;
    if (*at == '\0') return words;
    if (field >= kArgStartField) values[field - kArgStartField] = strtoull(at, nullptr, 10);
    while (*at != ' ' && *at != '\0') at++;
  }
  words.argv_start = values[0];
  words.argv_end = values[1];
  words.environment_start = values[2];
  words.environment_end = values[3];
  return words;
}

// What follows, up to HelperMain(), runs in the helper. It is a copy of one thread of a process with many, whatever the
// others held at that moment: it makes system calls, and nothing else.

void Overwrite(uintptr_t start, uintptr_t end) {
  for (uintptr_t at = start; at < end; at++) *reinterpret_cast<volatile char*>(at) = '\0';
}

/// The struct of the system call differs between architectures; all zero it is SIG_DFL on each.
void ResetSignals() {
  const unsigned long nothing[32] = {};
  for (int number = 1; number <= SIGRTMAX; number++)
    syscall(SYS_rt_sigaction, number, nothing, nullptr, static_cast<size_t>(_NSIG / 8));
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, nothing, nullptr, static_cast<size_t>(_NSIG / 8));
}

int NumberOf(const char* name) {
  int number = 0;
  for (; *name >= '0' && *name <= '9'; name++) number = number * 10 + (*name - '0');
  return *name == '\0' ? number : -1;
}

/// Where close_range() is missing (before Linux 5.9) or forbidden: the limit of descriptors may be in the thousands of
/// millions, so it is the open ones that are gone through.
bool CloseListed(int keep) {
  const int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  alignas(dirent64) char entries[4096];
  for (;;) {
    const long length = syscall(SYS_getdents64, directory, entries, sizeof entries);
    if (length <= 0) break;
    for (long at = 0; at < length;) {
      const auto* entry = reinterpret_cast<const dirent64*>(entries + at);
      at += entry->d_reclen;
      if (entry->d_name[0] == '.') continue;
      const int number = NumberOf(entry->d_name);
      // The kernel goes by the number, so that what is closed on the way does not disturb it.
      if (number >= 0 && number != keep && number != directory) close(number);
    }
  }
  close(directory);
  return true;
}

void CloseAllBut(int keep) {
#ifdef SYS_close_range
  if ((keep == 0 || syscall(SYS_close_range, 0u, static_cast<unsigned>(keep) - 1, 0u) == 0) &&
      syscall(SYS_close_range, static_cast<unsigned>(keep) + 1, ~0u, 0u) == 0)
    return;
#endif
  // The list takes a descriptor too, and there may be none left.
  for (int number = 0; number < 3; number++)
    if (number != keep) close(number);
  if (CloseListed(keep)) return;
  rlimit descriptors{};
  const int limit = getrlimit(RLIMIT_NOFILE, &descriptors) == 0
                        ? static_cast<int>(std::min<rlim_t>(descriptors.rlim_max, 1u << 20))
                        : 1024;
  for (int number = 3; number < limit; number++)
    if (number != keep) close(number);
}

/// A core would hold what the copied memory holds. 1 also keeps it from a program that collects cores (core(5)).
void RefuseCores() {
  rlimit core{};
  if (getrlimit(RLIMIT_CORE, &core) != 0) return;
  core.rlim_max = std::min<rlim_t>(core.rlim_max, 1);
  core.rlim_cur = core.rlim_max;
  setrlimit(RLIMIT_CORE, &core);
}

bool ReadAll(int channel, uint8_t* bytes, size_t length) {
  while (length > 0) {
    const ssize_t count = read(channel, bytes, length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes += count;
    length -= static_cast<size_t>(count);
  }
  return true;
}

/// The next header and the descriptor that comes with it; false when there is none any more.
bool ReadHeader(int channel, Header* header, int* socket) {
  *socket = -1;
  iovec part{};
  part.iov_base = header;
  part.iov_len = sizeof *header;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t count;
  do {
    count = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return false;
  const cmsghdr* passed = CMSG_FIRSTHDR(&message);
  if (passed == nullptr || passed->cmsg_level != SOL_SOCKET || passed->cmsg_type != SCM_RIGHTS ||
      passed->cmsg_len != CMSG_LEN(sizeof(int)))
    return false;
  memcpy(socket, CMSG_DATA(passed), sizeof(int));
  return ReadAll(channel, reinterpret_cast<uint8_t*>(header) + count, sizeof *header - static_cast<size_t>(count));
}

/// Takes datagrams and questions from the channel until the other end is closed.
void Serve(int channel, AskProgress* progress) {
  static uint8_t buffer[kBufferBytes];
  for (;;) {
    Header header;
    int socket;
    if (!ReadHeader(channel, &header, &socket)) return;
    const auto length = static_cast<size_t>(header.length);
    uint8_t* bytes = buffer;
    if (length > sizeof buffer) {
      void* memory = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) return;
      bytes = static_cast<uint8_t*>(memory);
    }
    if (!ReadAll(channel, bytes, length)) return;
    int32_t error = 0;
    bool answered = true;
    if (header.questions == 0)
      error = SendDatagram(socket, bytes, length, header.port, header.groups);
    else
      answered =
          AskEach(socket, channel, bytes, length, static_cast<uint32_t>(header.questions), header.port, progress);
    // Before the answer: the socket must be gone with its owner's close().
    close(socket);
    if (bytes == buffer)
      Overwrite(reinterpret_cast<uintptr_t>(bytes), reinterpret_cast<uintptr_t>(bytes) + length);
    else
      munmap(bytes, length);
    if (header.questions != 0) {
      if (!answered) return;
      continue;
    }
    ssize_t count;
    do {
      count = send(channel, &error, sizeof error, MSG_NOSIGNAL);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return;
  }
}

[[noreturn]] void HelperMain(int channel, const ShownWords& words, AskProgress* progress) {
  // First: the words of this process may be secrets, and a stuck helper shows its own until the machine is restarted.
  Overwrite(words.argv_start, words.argv_end);
  Overwrite(words.environment_start, words.environment_end);
  prctl(PR_SET_NAME, "netlink-helper");
  RefuseCores();
  CloseAllBut(channel);
  // A session of its own: what the terminal sends to the tool (an interrupt, a stop) is for the tool to judge.
  setsid();
  // Holds no file system but those of its program.
  if (chdir("/") != 0) {
    // There is always a root folder; one that may not be entered is no reason to send nothing.
  }
  ResetSignals();
  Serve(channel, progress);
  for (;;) syscall(SYS_exit_group, 0);
}

std::unique_ptr<Helper> Helper::Start(SendOutcome* outcome) {
  const ShownWords words = ReadShownWords();
  auto progress = std::make_unique<SharedProgress>();
  if (progress->Get() == nullptr) {
    *outcome = {SendOutcome::Step::kClone, ENOMEM};
    return nullptr;
  }
  int channel[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) != 0) {
    *outcome = {SendOutcome::Step::kSocketpair, errno};
    return nullptr;
  }
  // All arguments are zero: no flags, no signal, and the parent's stack, in whatever order the architecture takes them.
  // No signal, so that neither libuv nor a SIGCHLD that is ignored takes the helper from us.
  const long pid = syscall(SYS_clone, 0ul, 0ul, 0ul, 0ul, 0ul);
  if (pid == 0) HelperMain(channel[1], words, progress->Get());
  const int error = errno;
  close(channel[1]);
  if (pid < 0) {
    close(channel[0]);
    *outcome = {SendOutcome::Step::kClone, error};
    return nullptr;
  }
  return std::make_unique<Helper>(channel[0], static_cast<pid_t>(pid), std::move(progress));
}

void Helper::Reap() const {
  while (waitpid(pid_, nullptr, __WALL) < 0 && errno == EINTR) {
  }
}

bool Helper::HandOver(int socket, const Header& header, const uint8_t* bytes, SendOutcome* outcome) {
  iovec parts[2] = {};
  parts[0].iov_base = const_cast<Header*>(&header);
  parts[0].iov_len = sizeof header;
  parts[1].iov_base = const_cast<uint8_t*>(bytes);
  parts[1].iov_len = header.length;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* passed = CMSG_FIRSTHDR(&message);
  passed->cmsg_level = SOL_SOCKET;
  passed->cmsg_type = SCM_RIGHTS;
  passed->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(passed), &socket, sizeof(int));
  for (size_t left = sizeof header + header.length; left > 0;) {
    const ssize_t count = sendmsg(channel_.Number(), &message, MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EINTR) continue;
      *outcome = {SendOutcome::Step::kHandOver, errno};
      if (outcome->error == EPIPE || outcome->error == ECONNRESET) Reap();
      return false;
    }
    left -= static_cast<size_t>(count);
    message.msg_control = nullptr;
    message.msg_controllen = 0;
    size_t taken = static_cast<size_t>(count);
    for (iovec& part : parts) {
      const size_t here = std::min(taken, part.iov_len);
      part.iov_base = static_cast<uint8_t*>(part.iov_base) + here;
      part.iov_len -= here;
      taken -= here;
    }
  }
  return true;
}

SendOutcome Helper::Lost(ssize_t count) const {
  // It reads everything before it sends: one that ended with something unread (ECONNRESET) has sent nothing.
  const SendOutcome outcome = count < 0 && errno == ECONNRESET ? SendOutcome{SendOutcome::Step::kHandOver, ECONNRESET}
                                                               : SendOutcome{SendOutcome::Step::kLost, ECHILD};
  Reap();
  return outcome;
}

bool Helper::Send(int socket, const uint8_t* bytes, size_t length, uint32_t port, uint32_t groups,
                  SendOutcome* outcome) {
  const Header header{length, port, groups, 0};
  if (!HandOver(socket, header, bytes, outcome)) return false;
  int32_t answer;
  ssize_t count;
  do {
    count = recv(channel_.Number(), &answer, sizeof answer, MSG_WAITALL);
  } while (count < 0 && errno == EINTR);
  if (count == sizeof answer) {
    *outcome = {SendOutcome::Step::kSend, answer};
    return true;
  }
  *outcome = Lost(count);
  return false;
}

bool Helper::Ask(int socket, const uint8_t* questions, size_t length, uint32_t count, uint32_t port, Asker* asker,
                 SendOutcome* outcome) {
  AskProgress* progress = progress_->Get();
  progress->started.store(0, std::memory_order_relaxed);
  progress->returned.store(0, std::memory_order_relaxed);
  progress->stop.store(false, std::memory_order_relaxed);
  // Before they are handed over: from then on it is `progress` that tells.
  asker->Begun(progress, channel_.Number());
  ssize_t received = 0;
  const bool handed_over = HandOver(socket, Header{length, port, 0, count}, questions, outcome);
  if (handed_over) received = PassOn(asker);
  asker->Ended();
  if (!handed_over) return false;
  if (received > 0) {
    *outcome = {SendOutcome::Step::kSend, 0};
    return true;
  }
  *outcome = Lost(received);
  return false;
}

ssize_t Helper::PassOn(Asker* asker) const {
  std::vector<uint8_t> buffer(kBufferBytes);
  size_t filled = 0;
  for (;;) {
    // A frame may be longer than the buffer is.
    if (filled == buffer.size()) buffer.resize(2 * buffer.size());
    const ssize_t count = recv(channel_.Number(), buffer.data() + filled, buffer.size() - filled, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count;
    filled += static_cast<size_t>(count);
    size_t whole = 0;
    bool ended = false;
    while (filled - whole >= sizeof(Frame)) {
      Frame frame;
      memcpy(&frame, buffer.data() + whole, sizeof frame);
      ended = frame.kind == Frame::Kind::kEnd;
      const size_t length = sizeof frame + Aligned(frame.length);
      if (ended || filled - whole < length) break;
      whole += length;
    }
    if (whole > 0) asker->Told(buffer.data(), whole);
    if (ended) return count;
    memmove(buffer.data(), buffer.data() + whole, filled - whole);
    filled -= whole;
  }
}

}  // namespace

/// - A full unicast peer (NETLINK_USERSOCK): the call waits inside the kernel until the peer has room. poll(POLLOUT)
///   would be no help: on a netlink socket it speaks of the sender's own buffer, never of the receiver's. EAGAIN
///   therefore cannot occur, as nobody sets O_NONBLOCK or SO_SNDTIMEO on the socket; if it does, it is reported as it
///   is.
/// - EINTR: a debugger or a freezer can interrupt any call; nothing was sent then, so it is made again.
/// - ENOBUFS (no memory for the message), ECONNREFUSED (no such peer, or no listener), EPERM and the rest are the
///   caller's to judge.
int SendDatagram(int socket, const uint8_t* bytes, size_t length, uint32_t port, uint32_t groups, int flags) {
  // An empty message passes kernels before 5.16 as an empty packet, which drivers do not expect; newer ones say this.
  if (length == 0) return ENODATA;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_pid = port;
  address.nl_groups = groups;
  iovec part{};
  part.iov_base = const_cast<uint8_t*>(bytes);
  part.iov_len = length;
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = sizeof address;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  for (;;) {
    if (sendmsg(socket, &message, MSG_NOSIGNAL | flags) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

namespace {

/// Runs `use` with a helper that is idle, or a new one.
template <typename Use>
SendOutcome WithHelper(const Use& use) {
  Helpers& helpers = TheHelpers();
  SendOutcome outcome;
  for (int starts = 0; starts < kMaximumStarts;) {
    std::unique_ptr<Helper> helper;
    {
      std::lock_guard<std::mutex> guard(helpers.mutex);
      if (!helpers.idle.empty()) {
        helper = std::move(helpers.idle.back());
        helpers.idle.pop_back();
      }
    }
    if (!helper) {
      helper = Helper::Start(&outcome);
      if (!helper) return outcome;
      starts++;
    }
    if (use(helper.get(), &outcome)) {
      std::lock_guard<std::mutex> guard(helpers.mutex);
      helpers.idle.push_back(std::move(helper));
      return outcome;
    }
    if (outcome.step == SendOutcome::Step::kLost) return outcome;
  }
  return outcome;
}

}  // namespace

SendOutcome SendDatagramFromHelper(int socket, const uint8_t* bytes, size_t length, uint32_t port, uint32_t groups) {
  return WithHelper(
      [&](Helper* helper, SendOutcome* outcome) { return helper->Send(socket, bytes, length, port, groups, outcome); });
}

SendOutcome AskFromHelper(int socket, const uint8_t* questions, size_t length, uint32_t count, uint32_t port,
                          Asker* asker) {
  return WithHelper([&](Helper* helper, SendOutcome* outcome) {
    return helper->Ask(socket, questions, length, count, port, asker, outcome);
  });
}
