/*
 * A machine for programs written by others: preloaded into the genuine DRBD tools, it shows them the machine that a
 * test describes in a file: a driver whose netlink answers come from a port of this machine, block devices, a node
 * name, and folders of its own for what they would leave behind in the system's.
 *
 * DRBD_MACHINE names the file. One statement a line, words divided by single blanks:
 *
 *   port N                              the simulator's port on NETLINK_CONNECTOR
 *   node NAME                           what uname says
 *   map FROM TO                         FROM and all below it is found at TO; the longest FROM that fits counts
 *   device PATH BYTES MAJOR MINOR FILE  a block device, whose content is FILE
 *   character PATH MAJOR MINOR          a character device
 *   missing PATH                        nothing is there
 *   address A.B.C.D                     an interface that is up has it
 *
 * DRBD_MACHINE_LOG names a file that gets one JSON line for each call on a connector socket. DRBD_MACHINE_DROP drops
 * capabilities by their numbers, divided by commas.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { MOST_MAPS = 32, MOST_DEVICES = 320, MOST_DESCRIPTORS = 1024, MOST_MISSING = 16, MOST_ADDRESSES = 8 };

struct map {
  char from[PATH_MAX], to[PATH_MAX];
};

struct device {
  char path[PATH_MAX], file[PATH_MAX];
  mode_t type;
  uint64_t bytes;
  unsigned major, minor;
};

static struct map maps[MOST_MAPS];
static struct device devices[MOST_DEVICES];
static char missing[MOST_MISSING][PATH_MAX];
static struct in_addr addresses[MOST_ADDRESSES];
static int map_count, device_count, missing_count, address_count;
static uint32_t simulator_port;
static char node_name[65];
static int log_descriptor = -1;

/* What each descriptor is, besides an ordinary one. */
static const struct device* opened[MOST_DESCRIPTORS];
static char is_connector[MOST_DESCRIPTORS];
/* An error that a look at the socket has taken off it. */
static int pending_error[MOST_DESCRIPTORS];

#define REAL(name) ((__typeof__(&name))real(#name))

static void* real(const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  if (found == NULL) _exit(111);
  return found;
}

static void fail(const char* what, const char* detail) {
  dprintf(2, "machine: %s: %s\n", what, detail);
  _exit(111);
}

static void drop_capabilities(const char* numbers) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) != 0) fail("capget", strerror(errno));
  for (const char* at = numbers; *at != 0;) {
    char* end;
    unsigned long number = strtoul(at, &end, 10);
    if (end == at || number > 63) fail("DRBD_MACHINE_DROP", numbers);
    data[number / 32].effective &= ~(1u << number % 32);
    data[number / 32].permitted &= ~(1u << number % 32);
    data[number / 32].inheritable &= ~(1u << number % 32);
    at = *end == ',' ? end + 1 : end;
  }
  if (syscall(SYS_capset, &header, data) != 0) fail("capset", strerror(errno));
}

__attribute__((constructor)) static void read_description(void) {
  const char* path = getenv("DRBD_MACHINE");
  if (path == NULL) return;
  FILE* file = REAL(fopen)(path, "re");
  if (file == NULL) fail(path, strerror(errno));
  char line[3 * PATH_MAX];
  while (fgets(line, sizeof line, file) != NULL) {
    line[strcspn(line, "\n")] = 0;
    if (sscanf(line, "port %u", &simulator_port) == 1 || sscanf(line, "node %64s", node_name) == 1) continue;
    struct map* map = &maps[map_count];
    if (map_count < MOST_MAPS && sscanf(line, "map %4095s %4095s", map->from, map->to) == 2) {
      map_count++;
      continue;
    }
    struct device* device = &devices[device_count];
    if (device_count < MOST_DEVICES && sscanf(line, "device %4095s %lu %u %u %4095s", device->path, &device->bytes,
                                              &device->major, &device->minor, device->file) == 5) {
      device->type = S_IFBLK;
      device_count++;
      continue;
    }
    if (device_count < MOST_DEVICES &&
        sscanf(line, "character %4095s %u %u", device->path, &device->major, &device->minor) == 3) {
      device->type = S_IFCHR;
      strcpy(device->file, "/dev/null");
      device_count++;
      continue;
    }
    if (missing_count < MOST_MISSING && sscanf(line, "missing %4095s", missing[missing_count]) == 1) {
      missing_count++;
      continue;
    }
    char address[64];
    if (address_count < MOST_ADDRESSES && sscanf(line, "address %63s", address) == 1 &&
        inet_pton(AF_INET, address, &addresses[address_count]) == 1) {
      address_count++;
      continue;
    }
    if (line[0] != 0) fail(path, line);
  }
  fclose(file);
  const char* log = getenv("DRBD_MACHINE_LOG");
  if (log != NULL) {
    log_descriptor = REAL(open)(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (log_descriptor < 0) fail(log, strerror(errno));
    /* Out of the way: programs count on the numbers that they get. */
    int high = fcntl(log_descriptor, F_DUPFD_CLOEXEC, 200);
    if (high >= 0) {
      REAL(close)(log_descriptor);
      log_descriptor = high;
    }
  }
  const char* drop = getenv("DRBD_MACHINE_DROP");
  if (drop != NULL) drop_capabilities(drop);
}

/* ---------------------------------------------------------------------------------------------------------- log */

static void log_call(const char* call, long result, const void* bytes, size_t length) {
  if (log_descriptor < 0) return;
  int saved = errno;
  static char text[2 * 65536 + 512];
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int end = snprintf(text, 256, "{\"pid\":%d,\"at\":%.6f,\"op\":\"%s\",\"rv\":%ld", getpid(),
                     now.tv_sec + now.tv_nsec / 1e9, call, result);
  if (result < 0) end += snprintf(text + end, 64, ",\"errno\":\"%s\"", strerrorname_np(saved));
  if (bytes != NULL) {
    end += sprintf(text + end, ",\"hex\":\"");
    if (length > 65536) length = 65536;
    for (size_t at = 0; at < length; at++) {
      static const char digits[] = "0123456789abcdef";
      text[end++] = digits[((const uint8_t*)bytes)[at] >> 4];
      text[end++] = digits[((const uint8_t*)bytes)[at] & 15];
    }
    text[end++] = '"';
  }
  text[end++] = '}';
  text[end++] = '\n';
  if (write(log_descriptor, text, end) != end) fail("log", strerror(errno));
  errno = saved;
}

/* -------------------------------------------------------------------------------------------------------- paths */

static const struct device* device_at(const char* path) {
  for (int at = 0; at < device_count; at++)
    if (strcmp(devices[at].path, path) == 0) return &devices[at];
  return NULL;
}

/* Where `path` really is; NULL with ENOENT where nothing is to be. */
static const char* place(const char* path, char* room) {
  for (int at = 0; at < missing_count; at++) {
    if (strcmp(missing[at], path) == 0) {
      errno = ENOENT;
      return NULL;
    }
  }
  const struct map* best = NULL;
  size_t best_length = 0;
  for (int at = 0; at < map_count; at++) {
    size_t length = strlen(maps[at].from);
    if (length > best_length && strncmp(path, maps[at].from, length) == 0 &&
        (path[length] == 0 || path[length] == '/')) {
      best = &maps[at];
      best_length = length;
    }
  }
  if (best == NULL) return path;
  if (snprintf(room, PATH_MAX, "%s%s", best->to, path + best_length) >= PATH_MAX) {
    errno = ENAMETOOLONG;
    return NULL;
  }
  return room;
}

static int open_any(const char* path, int flags, mode_t mode) {
  const struct device* device = device_at(path);
  char room[PATH_MAX];
  const char* where = device != NULL ? device->file : place(path, room);
  if (where == NULL) return -1;
  /* O_EXCL means something else on a device, and a file knows no O_DIRECT everywhere. */
  if (device != NULL) flags &= ~(O_EXCL | O_CREAT | O_TRUNC | O_DIRECT);
  int descriptor = REAL(open)(where, flags, mode);
  if (device != NULL && descriptor >= 0 && descriptor < MOST_DESCRIPTORS) opened[descriptor] = device;
  return descriptor;
}

#define OPEN(name)                              \
  int name(const char* path, int flags, ...) {  \
    mode_t mode = 0;                            \
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) { \
      va_list rest;                             \
      va_start(rest, flags);                    \
      mode = va_arg(rest, mode_t);              \
      va_end(rest);                             \
    }                                           \
    return open_any(path, flags, mode);         \
  }
OPEN(open)
OPEN(open64)

/* What _FORTIFY_SOURCE makes of an open with two arguments. */
int __open_2(const char* path, int flags);
int __open_2(const char* path, int flags) {
  return open_any(path, flags, 0);
}

int __open64_2(const char* path, int flags);
int __open64_2(const char* path, int flags) {
  return open_any(path, flags, 0);
}

#define FOPEN(name)                                        \
  FILE* name(const char* path, const char* mode) {         \
    char room[PATH_MAX];                                   \
    const char* where = place(path, room);                 \
    return where == NULL ? NULL : REAL(name)(where, mode); \
  }
FOPEN(fopen)
FOPEN(fopen64)

static void describe(const struct device* device, mode_t* mode, dev_t* number, off_t* size) {
  *mode = device->type | 0660;
  *number = makedev(device->major, device->minor);
  *size = 0;
}

#define STAT(name, type, function)                                                                          \
  int name(const char* path, struct type* facts) {                                                          \
    const struct device* device = device_at(path);                                                          \
    char room[PATH_MAX];                                                                                    \
    const char* where = device != NULL ? device->file : place(path, room);                                  \
    if (where == NULL) return -1;                                                                           \
    int result = REAL(function)(where, facts);                                                              \
    if (result == 0 && device != NULL) describe(device, &facts->st_mode, &facts->st_rdev, &facts->st_size); \
    return result;                                                                                          \
  }
STAT(stat, stat, stat)
STAT(stat64, stat64, stat64)
STAT(lstat, stat, lstat)
STAT(lstat64, stat64, lstat64)

#define FSTAT(name, type)                                                                              \
  int name(int descriptor, struct type* facts) {                                                       \
    int result = REAL(name)(descriptor, facts);                                                        \
    if (result == 0 && descriptor >= 0 && descriptor < MOST_DESCRIPTORS && opened[descriptor] != NULL) \
      describe(opened[descriptor], &facts->st_mode, &facts->st_rdev, &facts->st_size);                 \
    return result;                                                                                     \
  }
FSTAT(fstat, stat)
FSTAT(fstat64, stat64)

int access(const char* path, int mode) {
  const struct device* device = device_at(path);
  char room[PATH_MAX];
  const char* where = device != NULL ? device->file : place(path, room);
  return where == NULL ? -1 : REAL(access)(where, mode);
}

int mkdir(const char* path, mode_t mode) {
  char room[PATH_MAX];
  const char* where = place(path, room);
  return where == NULL ? -1 : REAL(mkdir)(where, mode);
}

int unlink(const char* path) {
  char room[PATH_MAX];
  const char* where = place(path, room);
  return where == NULL ? -1 : REAL(unlink)(where);
}

int symlink(const char* target, const char* path) {
  char room[PATH_MAX];
  const char* where = place(path, room);
  return where == NULL ? -1 : REAL(symlink)(target, where);
}

int rename(const char* from, const char* to) {
  char room[PATH_MAX], other[PATH_MAX];
  const char *where = place(from, room), *target = place(to, other);
  return where == NULL || target == NULL ? -1 : REAL(rename)(where, target);
}

ssize_t readlink(const char* path, char* text, size_t length) {
  char room[PATH_MAX];
  const char* where = place(path, room);
  return where == NULL ? -1 : REAL(readlink)(where, text, length);
}

int glob(const char* pattern, int flags, int (*on_error)(const char*, int), glob_t* found) {
  char room[PATH_MAX];
  const char* where = place(pattern, room);
  return REAL(glob)(where == NULL ? pattern : where, flags, on_error, found);
}

/* The machine's interfaces, one for each address. */
static int list_interfaces(struct ifconf* list) {
  int room = list->ifc_len / (int)sizeof(struct ifreq), count = address_count < room ? address_count : room;
  for (int at = 0; at < count; at++) {
    struct ifreq* interface = &list->ifc_req[at];
    memset(interface, 0, sizeof *interface);
    snprintf(interface->ifr_name, IFNAMSIZ, "eth%d", at);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = addresses[at]};
    memcpy(&interface->ifr_addr, &address, sizeof address);
  }
  list->ifc_len = count * (int)sizeof(struct ifreq);
  return 0;
}

int ioctl(int descriptor, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  const struct device* device = descriptor >= 0 && descriptor < MOST_DESCRIPTORS ? opened[descriptor] : NULL;
  if (address_count > 0 && request == SIOCGIFCONF) return list_interfaces(argument);
  if (address_count > 0 && request == SIOCGIFFLAGS) {
    ((struct ifreq*)argument)->ifr_flags = IFF_UP | IFF_RUNNING;
    return 0;
  }
  if (device == NULL) return REAL(ioctl)(descriptor, request, argument);
  switch (request) {
    case BLKGETSIZE64:
      *(uint64_t*)argument = device->bytes;
      return 0;
    case BLKGETSIZE:
      *(unsigned long*)argument = device->bytes / 512;
      return 0;
    case BLKSSZGET:
    case BLKPBSZGET:
      *(int*)argument = 512;
      return 0;
    case BLKFLSBUF:
      return 0;
    default:
      errno = ENOTTY;
      return -1;
  }
}

int uname(struct utsname* names) {
  int result = REAL(uname)(names);
  if (result == 0 && node_name[0] != 0) snprintf(names->nodename, sizeof names->nodename, "%s", node_name);
  return result;
}

/* ----------------------------------------------------------------------------------------------- connector sockets */

static int connector(int descriptor) {
  return descriptor >= 0 && descriptor < MOST_DESCRIPTORS && is_connector[descriptor];
}

int socket(int domain, int type, int protocol) {
  int descriptor = REAL(socket)(domain, type, protocol);
  if (domain == AF_NETLINK && protocol == NETLINK_CONNECTOR) {
    if (descriptor >= 0 && descriptor < MOST_DESCRIPTORS) is_connector[descriptor] = 1;
    log_call("socket", descriptor, NULL, 0);
  }
  return descriptor;
}

int bind(int descriptor, const struct sockaddr* address, socklen_t length) {
  int result = REAL(bind)(descriptor, address, length);
  if (connector(descriptor)) log_call("bind", result, NULL, 0);
  return result;
}

enum { PACKET_AT = 36, TAGS_AT = 48, NET_CONF = 5, MY_ADDRESS = 8, PEER_ADDRESS = 9 };

static unsigned short_at(const uint8_t* bytes) {
  return bytes[0] | bytes[1] << 8;
}

/*
 * A kernel compares addresses with their padding, in which drbdsetup leaves part of a pointer. On the recorded machine
 * all processes had the same there; here they do not, so it is cleared.
 */
static void clear_padding(uint8_t* bytes, size_t length) {
  if (length < TAGS_AT + 4 || short_at(bytes + PACKET_AT) != NET_CONF) return;
  for (size_t at = TAGS_AT; at + 4 <= length && short_at(bytes + at) != 0;) {
    unsigned number = short_at(bytes + at) & 0x1fff, size = short_at(bytes + at + 2);
    if ((number == MY_ADDRESS || number == PEER_ADDRESS) && size == sizeof(struct sockaddr_in) &&
        at + 4 + size <= length && short_at(bytes + at + 4) == AF_INET)
      memset(bytes + at + 4 + offsetof(struct sockaddr_in, sin_zero), 0, sizeof(((struct sockaddr_in*)0)->sin_zero));
    at += 4 + size;
  }
}

ssize_t sendto(int descriptor, const void* bytes, size_t length, int flags, const struct sockaddr* address,
               socklen_t size) {
  if (!connector(descriptor)) return REAL(sendto)(descriptor, bytes, length, flags, address, size);
  struct sockaddr_nl to = {.nl_family = AF_NETLINK};
  if (address != NULL && size == sizeof to) memcpy(&to, address, sizeof to);
  /* The kernel's own port is where the driver would be. */
  if (to.nl_pid == 0) to.nl_pid = simulator_port;
  static uint8_t copy[65536];
  if (length <= sizeof copy) {
    clear_padding(memcpy(copy, bytes, length), length);
    bytes = copy;
  }
  ssize_t result = REAL(sendto)(descriptor, bytes, length, flags, (struct sockaddr*)&to, sizeof to);
  log_call("sendto", result, bytes, length);
  return result;
}

ssize_t send(int descriptor, const void* bytes, size_t length, int flags) {
  return connector(descriptor) ? sendto(descriptor, bytes, length, flags, NULL, 0)
                               : REAL(send)(descriptor, bytes, length, flags);
}

/* Throws away what others said to the group. Whether something of the simulator's waits, or an error. */
static int simulator_waits(int descriptor) {
  for (;;) {
    struct sockaddr_nl from = {0};
    socklen_t length = sizeof from;
    char byte;
    ssize_t result = REAL(recvfrom)(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT, (struct sockaddr*)&from, &length);
    if (result < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (result < 0) {
      pending_error[descriptor] = errno;
      return 1;
    }
    if (from.nl_pid == simulator_port) return 1;
    REAL(recvfrom)(descriptor, &byte, 1, MSG_DONTWAIT, NULL, NULL);
  }
}

/* By another name, since the header promises that poll itself only writes to its argument. */
int poll_simulator(struct pollfd* waiting, nfds_t count, int timeout) __asm__("poll");
int poll_simulator(struct pollfd* waiting, nfds_t count, int timeout) {
  if (count != 1 || !connector(waiting->fd)) return REAL(poll)(waiting, count, timeout);
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t end = now.tv_sec * 1000 + now.tv_nsec / 1000000 + timeout;
  int result;
  for (;;) {
    int rest = timeout;
    if (timeout >= 0) {
      clock_gettime(CLOCK_MONOTONIC, &now);
      int64_t left = end - (now.tv_sec * 1000 + now.tv_nsec / 1000000);
      rest = left > 0 ? (int)left : 0;
    }
    result = REAL(poll)(waiting, 1, rest);
    if (result <= 0 || (waiting->revents & POLLIN) == 0 || simulator_waits(waiting->fd)) break;
  }
  log_call("poll", result, NULL, 0);
  return result;
}

ssize_t recvfrom(int descriptor, void* bytes, size_t length, int flags, struct sockaddr* address, socklen_t* size) {
  if (!connector(descriptor)) return REAL(recvfrom)(descriptor, bytes, length, flags, address, size);
  for (;;) {
    struct sockaddr_nl from = {0};
    socklen_t from_size = sizeof from;
    if (pending_error[descriptor] != 0) {
      errno = pending_error[descriptor];
      pending_error[descriptor] = 0;
      log_call("recvfrom", -1, NULL, 0);
      return -1;
    }
    ssize_t result = REAL(recvfrom)(descriptor, bytes, length, flags, (struct sockaddr*)&from, &from_size);
    if (result >= 0 && from.nl_pid != simulator_port) continue;
    log_call("recvfrom", result, result < 0 ? NULL : bytes, result < 0 ? 0 : (size_t)result);
    if (result >= 0 && address != NULL && size != NULL && *size >= sizeof from) {
      from.nl_pid = 0;
      memcpy(address, &from, sizeof from);
      *size = sizeof from;
    }
    return result;
  }
}

ssize_t recv(int descriptor, void* bytes, size_t length, int flags) {
  return connector(descriptor) ? recvfrom(descriptor, bytes, length, flags, NULL, NULL)
                               : REAL(recv)(descriptor, bytes, length, flags);
}

int close(int descriptor) {
  if (connector(descriptor)) {
    is_connector[descriptor] = 0;
    log_call("close", 0, NULL, 0);
  }
  if (descriptor >= 0 && descriptor < MOST_DESCRIPTORS) opened[descriptor] = NULL;
  return REAL(close)(descriptor);
}
