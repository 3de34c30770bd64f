import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import {
  decodeConnectorMessage,
  decodeDatagram,
  encodeConnectorMessage,
  encodeMessage,
  hostByteOrder,
  NLMSG_DONE,
  NLMSG_HEADER_BYTES,
  viewOf,
} from '../../lib/netlink';
import { nativeTransport, type NativeSocket } from '../../lib/transport/native';
import { NETLINK_CONNECTOR, type Datagram } from '../../lib/transport/transport';

/** The process connector: connector messages that come from a genuine kernel (linux/cn_proc.h). */
const CN_IDX_PROC = 1;
const CN_VAL_PROC = 1;
const PROC_CN_MCAST_LISTEN = 1;
const PROC_CN_MCAST_IGNORE = 2;
const PROC_EVENT_FORK = 0x1;
const PROC_EVENT_EXIT = 0x80000000;
const EPERM = 1;

const order = hostByteOrder();
const little = order === 'little';
function control(sequence: number, operation: number, port: number): Uint8Array {
  const data = new Uint8Array(4);
  viewOf(data).setUint32(0, operation, little);
  const payload = encodeConnectorMessage(
    { idx: CN_IDX_PROC, val: CN_VAL_PROC, sequence, ack: 0, length: data.length, flags: 0, data },
    order,
  );
  return encodeMessage({ type: NLMSG_DONE, flags: 0, sequence, port, payload }, order);
}

test('forks and exits are told by a genuine kernel, from port 0 to group 1', async () => {
  const received: Datagram[] = [];
  let socket: NativeSocket;
  try {
    socket = nativeTransport().open(
      { protocol: NETLINK_CONNECTOR, groups: 1 << (CN_IDX_PROC - 1), receiveBufferBytes: 1 << 20 },
      { datagrams: (batch) => received.push(...batch), overrun: () => undefined, closed: () => undefined },
    );
  } catch (error) {
    // Before Linux 6.6 this group, too, was for root alone: then the refusal is the answer.
    if (process.getuid?.() === 0) throw error;
    expect(error).toMatchObject({ code: 'ERR_DRBD_TRANSPORT', errno: EPERM });
    process.stdout.write(
      'an ordinary user may not listen to the process connector of this kernel: it was refused with EPERM, as it should be\n',
    );
    return;
  }
  try {
    await socket.send(control(1, PROC_CN_MCAST_LISTEN, socket.portId)).done;
    const { pid } = spawnSync('/bin/true');
    const until = performance.now() + 5000;
    const kinds = new Set<number>();
    let forks = 0;
    while (performance.now() < until && !(kinds.has(PROC_EVENT_FORK) && kinds.has(PROC_EVENT_EXIT) && forks > 0)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      for (const { bytes, port, groups, truncated } of received.splice(0)) {
        expect([port, groups, truncated]).toEqual([0, 1, false]);
        const datagram = decodeDatagram(bytes, order);
        expect([datagram.problem, datagram.messages.length]).toEqual([undefined, 1]);
        const [message] = datagram.messages;
        if (message === undefined) throw new Error('no message');
        expect([message.type, message.flags]).toEqual([NLMSG_DONE, 0]);
        const { idx, val, length, data } = decodeConnectorMessage(message.payload, order, NLMSG_HEADER_BYTES);
        expect([idx, val, data.length]).toEqual([CN_IDX_PROC, CN_VAL_PROC, length]);
        // struct proc_event: what, cpu, timestamp, then parent and child for a fork.
        const view = viewOf(data);
        const what = view.getUint32(0, little);
        kinds.add(what);
        if (what === PROC_EVENT_FORK && [view.getUint32(24, little), view.getUint32(28, little)].includes(pid)) forks++;
      }
    }
    expect(kinds).toContain(PROC_EVENT_FORK);
    expect(kinds).toContain(PROC_EVENT_EXIT);
    expect(forks).toBeGreaterThan(0);
    await socket.send(control(2, PROC_CN_MCAST_IGNORE, socket.portId)).done;
  } finally {
    socket.close();
  }
}, 15_000);

test("without CAP_NET_ADMIN DRBD's group may not be joined, and the error says so", () => {
  const program = `
    const { nativeTransport } = require(process.argv[1]);
    try {
      nativeTransport().open({ protocol: ${NETLINK_CONNECTOR}, groups: 1 << 7 }, { datagrams() {}, overrun() {}, closed() {} });
    } catch ({ code, errno, message }) {
      console.log(JSON.stringify({ code, errno, message }));
    }`;
  const run = [process.execPath, '-e', program, join(__dirname, '../../lib/transport/native.js')];
  // Root without the capability is as good as anybody without it.
  const [command = '', ...args] =
    process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin', '--', ...run] : run;
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toEqual({
    code: 'ERR_DRBD_TRANSPORT',
    errno: EPERM,
    message: expect.stringMatching(/CAP_NET_ADMIN/u) as string,
  });
});
