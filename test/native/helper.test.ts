import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { nativeTransport } from '../../lib/transport/native';
import { plainEnvironment, until } from '../support/sockets';
import { NETLINK_USERSOCK, type Datagram, type Send, type TransportSocket } from '../../lib/transport/transport';

// What may stick in the kernel goes out from a helper process.

/** What native/helper.cc calls them. */
const HELPER_NAME = 'netlink-helper';
const LIBRARY = join(__dirname, '../../lib/transport/native.js');
/** A socket that receives, in a process that can be stopped: its port id is the first line. */
const RECEIVER = `
const { nativeTransport } = require(${JSON.stringify(LIBRARY)});
const socket = nativeTransport().open({ protocol: ${NETLINK_USERSOCK}, receiveBufferBytes: 4096 }, { datagrams: (batch) => console.log('got', batch.length), overrun() {}, closed() {} });
console.log(socket.portId);
setInterval(() => {}, 1000);
`;

let opened: TransportSocket[] = [];
let children: ChildProcess[] = [];

afterEach(async () => {
  for (const socket of opened) socket.close();
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  opened = [];
  children = [];
});

function open(
  sendFromProcesses: boolean,
  datagrams: (batch: readonly Datagram[]) => void = () => undefined,
): TransportSocket {
  const socket = nativeTransport({ sendFromProcesses }).open(
    { protocol: NETLINK_USERSOCK, mayStick: true },
    { datagrams, overrun: () => undefined, closed: () => undefined },
  );
  opened.push(socket);
  return socket;
}

/**
 * The helpers of this process, by what /proc says of each: they change hands between threads that end. Other tests leave
 * children of other kinds.
 */
function helpers(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)
    .filter((pid) => {
      const { name, parent } = statOf(pid) ?? {};
      return parent === process.pid && name === HELPER_NAME;
    });
}

function statOf(pid: number): { readonly name: string; readonly parent: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = text.lastIndexOf(')');
    return { name: text.slice(text.indexOf('(') + 1, end), parent: Number(text.slice(end + 2).split(' ')[1]) };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

async function receiver(): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const child = spawn(process.execPath, ['-e', RECEIVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, port: Number(line) };
}

test('a datagram arrives from the port of the socket that sent it', async () => {
  const got: Datagram[] = [];
  const peer = open(false, (batch) => got.push(...batch));
  const socket = open(true);
  await socket.send(Uint8Array.of(1, 2, 3), { port: peer.portId }).done;
  await socket.send(Uint8Array.of(4), { port: peer.portId }).done;
  while (got.length < 2) await sleep(1);
  expect(got.map(({ bytes, port }) => [port, ...bytes])).toEqual([
    [socket.portId, 1, 2, 3],
    [socket.portId, 4],
  ]);
});

test('one helper serves all sockets, those that were opened after it too', async () => {
  const peer = open(false);
  const first = open(true);
  // Other tests may have left some.
  const before = helpers();
  await first.send(Uint8Array.of(1), { port: peer.portId }).done;
  const started = helpers();
  expect(started.length).toBe(Math.max(1, before.length));
  const second = open(true);
  for (let count = 0; count < 50; count++) {
    await second.send(Uint8Array.of(2), { port: peer.portId }).done;
    await first.send(Uint8Array.of(1), { port: peer.portId }).done;
  }
  first.close();
  await second.send(new Uint8Array(150_000), { port: peer.portId }).done;
  expect(helpers()).toEqual(started);
});

test('what the system call says comes back', async () => {
  const socket = open(true);
  await expect(socket.send(new Uint8Array(4 << 20), { port: socket.portId }).done).rejects.toMatchObject({
    code: 'ERR_DRBD_TRANSPORT',
    syscall: 'sendmsg',
    errno: 90,
  });
  await expect(socket.send(Uint8Array.of(1), { port: 0x7fff_fff0 }).done).rejects.toMatchObject({
    code: 'ERR_DRBD_TRANSPORT',
    syscall: 'sendmsg',
    errno: 111,
  });
});

/** A send that is stuck because nobody empties the receiver's buffer, and the process that it holds. */
async function stuckSend(
  socket: TransportSocket,
): Promise<{ readonly child: ChildProcess; readonly last: Send; readonly pid: number }> {
  const { child, port } = await receiver();
  child.kill('SIGSTOP');
  let last = socket.send(new Uint8Array(2000), { port });
  // Each returns at once until the receiver's buffer is full; one that has not after a while is the one that is stuck.
  for (
    let tries = 0;
    tries < 1000 && (await Promise.race([last.done.then(() => true), sleep(500).then(() => false)]));
    tries++
  )
    last = socket.send(new Uint8Array(2000), { port });
  expect(last.state).toBe('started');
  return { child, last, pid: helperInKernel() };
}

/** The helper that is inside sendmsg(): it holds the socket beside its channel. */
function helperInKernel(): number {
  const [pid, ...others] = helpers().filter(
    (candidate) =>
      !children.some((other) => other.pid === candidate) && readdirSync(`/proc/${candidate}/fd`).length > 1,
  );
  if (pid === undefined || others.length > 0) throw new Error(`not one helper: ${[pid, ...others].join()}`);
  return pid;
}

test('a stuck helper holds its channel and the socket, no folder and no word of ours; the next datagram gets another', async () => {
  const socket = open(true);
  const { child, last, pid } = await stuckSend(socket);
  expect(readdirSync(`/proc/${pid}/fd`).map((name) => readlinkSync(`/proc/${pid}/fd/${name}`))).toEqual([
    expect.stringMatching(/^socket:/u),
    expect.stringMatching(/^socket:/u),
  ]);
  expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
  for (const words of ['cmdline', 'environ']) expect(readFileSync(`/proc/${pid}/${words}`, 'latin1')).toMatch(/^\0*$/u);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  expect(status).toMatch(new RegExp(`^Name:\\t${HELPER_NAME}$`, 'mu'));
  for (const kind of ['SigBlk', 'SigIgn', 'SigCgt']) expect(status).toMatch(new RegExp(`^${kind}:\\t0+$`, 'mu'));
  expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/^Max core file size +[01] +[01] /mu);
  const session = (of: number | 'self'): string =>
    readFileSync(`/proc/${of}/stat`, 'utf8').split(') ')[1]?.split(' ')[3] ?? '';
  expect(session(pid)).toBe(String(pid));
  // Another socket is not held up, and neither is its end.
  const peer = open(false);
  await open(true).send(Uint8Array.of(1), { port: peer.portId }).done;
  socket.close();
  expect(last.state).toBe('started');
  child.kill('SIGCONT');
  await until('the helper has let go of the socket', () => readdirSync(`/proc/${pid}/fd`).length === 1);
  // It serves again.
  const before = helpers();
  await Promise.all([open(true), open(true)].map((other) => other.send(Uint8Array.of(1), { port: peer.portId }).done));
  expect(helpers()).toEqual(before);
});

test('a helper that is killed while the kernel has the datagram: it may have been sent', async () => {
  const socket = open(true);
  const { last, pid } = await stuckSend(socket);
  process.kill(pid, 'SIGKILL');
  await expect(last.done).rejects.toMatchObject({
    code: 'ERR_DRBD_TRANSPORT',
    errno: 10,
    sent: 'started',
    message: expect.stringMatching(/ECHILD \(10\).*may have been sent/u) as string,
  });
  expect(last.state).toBe('started');
  // And nothing is left of it.
  expect(helpers()).not.toContain(pid);
});

test('a helper that is killed while it has nothing to do is replaced', async () => {
  const peer = open(false);
  const socket = open(true);
  await socket.send(Uint8Array.of(1), { port: peer.portId }).done;
  const killed = helpers();
  for (const pid of killed) process.kill(pid, 'SIGKILL');
  await until('all are dead', () => killed.every((pid) => /\) Z /u.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))));
  await socket.send(Uint8Array.of(2), { port: peer.portId }).done;
  expect(helpers().length).toBe(1);
  expect(killed).not.toContain(helpers()[0]);
});

/**
 * Runs a program with system calls denied by a filter (seccomp): `number` with `errno`, if its first argument is
 * `argument`.
 */
const DENY = `
import ctypes, os, struct, sys
number, argument, errno = (int(word) for word in sys.argv[1:4])
libc = ctypes.CDLL(None, use_errno=True)
def step(code, yes, no, k): return struct.pack('HBBI', code, yes, no, k & 0xffffffff)
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
rules = [step(LOAD, 0, 0, 0), step(EQUAL, 0, 3, number)]
rules += [step(LOAD, 0, 0, 16), step(EQUAL, 0, 1, argument)] if argument >= 0 else [step(LOAD, 0, 0, 0), step(EQUAL, 0, 1, number)]
rules += [step(RETURN, 0, 0, 0x00050000 | errno), step(RETURN, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b''.join(rules))
program = struct.pack('HxxxxxxQ', len(rules), ctypes.addressof(code))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.c_char_p(program), 0, 0): sys.exit('seccomp: errno %d' % ctypes.get_errno())
os.execvp(sys.argv[4], sys.argv[4:])
`;
/** The numbers of clone() and close_range() on the architectures that the addon is built for. */
const CLONE =
  process.arch === 'x64'
    ? 56
    : process.arch === 'ia32' || process.arch === 'arm' || process.arch === 's390x' || process.arch === 'ppc64'
      ? 120
      : 220;
const CLOSE_RANGE = 436;

/** Sends one datagram to itself, and says what became of it and what the helper holds. */
const SEND = `
const { nativeTransport } = require(${JSON.stringify(LIBRARY)});
const { openSync, readdirSync, readFileSync } = require('node:fs');
for (let count = 0; count < 300; count++) openSync('/dev/null', 'r');
const socket = nativeTransport({ sendFromProcesses: true }).open({ protocol: ${NETLINK_USERSOCK}, mayStick: true }, { datagrams() {}, overrun() {}, closed() {} });
const send = socket.send(Uint8Array.of(1), { port: socket.portId });
send.done.then(() => 'sent', ({ code, syscall, errno, sent }) => [code, syscall, errno, sent].join(' ')).then((said) => {
  const [helper] = readdirSync('/proc/self/task').flatMap((task) => readFileSync('/proc/self/task/' + task + '/children', 'utf8').split(' ').filter(Boolean));
  console.log(said, send.state, helper === undefined ? '' : readdirSync('/proc/' + helper + '/fd').length);
  process.exit();
});
`;

function denied(number: number, argument: number, errno: number): string {
  // What the sanitizers need is for the addon alone.
  const { LD_PRELOAD } = process.env;
  const preload = LD_PRELOAD === undefined ? [] : [`LD_PRELOAD=${LD_PRELOAD}`];
  const words = [
    '-c',
    DENY,
    String(number),
    String(argument),
    String(errno),
    'env',
    ...preload,
    process.execPath,
    '-e',
    SEND,
  ];
  const { stdout, stderr } = spawnSync('python3', words, { encoding: 'utf8', env: plainEnvironment() });
  return `${stdout}${stderr}`.trim();
}

test.each([
  ['EAGAIN', 11],
  ['ENOMEM', 12],
])('a helper that cannot be started is reported as clone: %s, and nothing was sent', (_name, errno) => {
  expect(denied(CLONE, 0, errno)).toBe(`ERR_DRBD_TRANSPORT clone ${errno} no no`);
});

test.each([
  ['is missing', 38],
  ['is forbidden', 1],
])('where close_range() %s, every other descriptor is closed all the same', (_what, errno) => {
  expect(denied(CLOSE_RANGE, -1, errno)).toBe('sent returned 1');
});

test('a helper ends with its process, even one that is killed, and hides its words from the start', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  const script = SEND.replace(
    'process.exit()',
    `console.log(helper, JSON.stringify(readFileSync('/proc/' + helper + '/cmdline', 'utf8').replaceAll('\\0', ''))); setInterval(() => {}, 1000)`,
  );
  const child = spawn(process.execPath, ['-e', script, '--', '--shared-secret', 'geheim'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('sent returned 1');
  const [helper = '', words] = String((await lines.next()).value).split(' ');
  expect(words).toBe('""');
  rmSync(folder, { recursive: true });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const isThere = (): boolean => {
    try {
      return !/\) [ZX] /u.test(readFileSync(`/proc/${helper}/stat`, 'utf8'));
    } catch {
      return false;
    }
  };
  await until('the helper has ended', () => !isThere());
});
