/*
 * Sends hand-made datagrams on a connector socket and prints what comes back, for requests that no tool makes:
 *
 *   datagrams [-g GROUPS] [-n] [-p PORT] [-d GROUPS] [-c COUNT] HEX...
 *
 * -g joins groups, a mask, at bind; -n does not bind at all; -p binds to that port id, 0 lets the kernel choose; -d
 * sends to groups, a mask, too. It waits for COUNT datagrams, and then for the answer to a question of its own, so that
 * what was not answered by then never is. Prints one line for each datagram: the groups that it was sent to, and its
 * bytes.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MARK = 0x4d41524b, LIMIT_MS = 5000, QUIET_MS = 20, OFFSET_SEQUENCE = 24, OFFSET_ACK = 28 };

/* get_state of minor 0, its cn.seq and cn.ack to be filled in. */
static uint8_t question[52] = {52, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 8, 0, 0,
                               0,  1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 17};
static uint8_t bytes[1 << 17];

static int waits(int descriptor, int milliseconds) {
  struct pollfd waiting = {.fd = descriptor, .events = POLLIN};
  return poll(&waiting, 1, milliseconds) > 0;
}

/* 1 for the answer to our own question, 0 for anything else, -1 for nothing. */
static int take(int descriptor, int milliseconds) {
  if (!waits(descriptor, milliseconds)) return -1;
  struct sockaddr_nl from = {0};
  socklen_t size = sizeof from;
  ssize_t length = recvfrom(descriptor, bytes, sizeof bytes, 0, (struct sockaddr*)&from, &size);
  if (length < 0) return -1;
  uint32_t sequence = 0, ack = 0, mark = MARK;
  if (length >= OFFSET_ACK + 4) {
    memcpy(&sequence, bytes + OFFSET_SEQUENCE, 4);
    memcpy(&ack, bytes + OFFSET_ACK, 4);
  }
  if (sequence == mark && ack == mark + 1) return 1;
  printf("%u %u ", from.nl_pid, from.nl_groups);
  for (ssize_t at = 0; at < length; at++) printf("%02x", bytes[at]);
  printf("\n");
  return 0;
}

int main(int argc, char** argv) {
  struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_pid = (uint32_t)getpid()}, to = {.nl_family = AF_NETLINK};
  int bound = 1, count = 0, option;
  while ((option = getopt(argc, argv, "g:np:d:c:")) != -1) {
    switch (option) {
      case 'g':
        own.nl_groups = strtoul(optarg, NULL, 0);
        break;
      case 'n':
        bound = 0;
        break;
      case 'p':
        own.nl_pid = strtoul(optarg, NULL, 0);
        break;
      case 'd':
        to.nl_groups = strtoul(optarg, NULL, 0);
        break;
      case 'c':
        count = atoi(optarg);
        break;
      default:
        return 2;
    }
  }
  int descriptor = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_CONNECTOR);
  if (descriptor < 0) return 3;
  int hears = bound && bind(descriptor, (struct sockaddr*)&own, sizeof own) == 0 && (own.nl_groups & 1 << 7) != 0;
  for (int at = optind; at < argc; at++) {
    size_t length = strlen(argv[at]) / 2;
    for (size_t byte = 0; byte < length; byte++) {
      const char pair[3] = {argv[at][2 * byte], argv[at][2 * byte + 1], 0};
      bytes[byte] = strtoul(pair, NULL, 16);
    }
    sendto(descriptor, bytes, length, 0, (struct sockaddr*)&to, sizeof to);
  }
  for (int got = 0; got < count && take(descriptor, LIMIT_MS) >= 0; got++);
  if (!hears) {
    while (take(descriptor, QUIET_MS) >= 0);
    return 0;
  }
  const uint32_t mark = MARK;
  memcpy(question + OFFSET_SEQUENCE, &mark, 4);
  memcpy(question + OFFSET_ACK, &mark, 4);
  send(descriptor, question, sizeof question, 0);
  int taken;
  while ((taken = take(descriptor, LIMIT_MS)) == 0);
  return taken == 1 ? 0 : 4;
}
