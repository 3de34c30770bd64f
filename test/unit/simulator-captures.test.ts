import { decodeRaw, packets, type RawConnectorMessage } from '../../lib/dialects/connector';
import { parseProcDrbd } from '../../lib/dialects/proc-drbd';
import { decodeDatagram, formatHex } from '../../lib/netlink';
import { createSimulator, VirtualClock, type Simulator } from '../../lib/simulator';
import { capturedCommands, crossing, type CapturedCommand } from '../support/captured-commands';

/**
 * Every request that was recorded with a genuine 8.3.13 kernel, sent to the simulator: the answers must be the recorded
 * ones, byte for byte.
 */

const DISK_BYTES = 64 << 20;
const { primary, secondary, disk_conf, detach, disconnect, get_state, get_uuids, sync_progress } = packets;

/** Fields that differ from run to run, by tag: their values are masked. */
const EXEMPT_TAGS: readonly number[] = [get_uuids.replyTags.uuids.number, sync_progress.tags.sync_progress.number];

class Machine {
  readonly clock = new VirtualClock();
  readonly simulator: Simulator;
  said: Uint8Array[] = [];

  constructor() {
    const disks = Object.fromEntries(
      Array.from({ length: 8 }, (_unused, minor) => [`/dev/ram${minor}`, { sizeBytes: DISK_BYTES, major: 1, minor }]),
    );
    this.simulator = createSimulator({
      clock: this.clock,
      disks,
      byteOrder: 'little',
      addresses: ['127.0.0.1', '::1'],
    });
    this.simulator.onDatagram(({ bytes }) => this.said.push(bytes));
  }

  /** Sends a request and lets time pass until it returns, for ten seconds at most. */
  send(bytes: Uint8Array, privileged = true): boolean {
    let returned = false;
    this.simulator.receive(bytes, { privileged }, () => (returned = true));
    return this.clock.advanceUntil(() => returned, 10_000);
  }

  request(type: number, minor: number, flags = 0, tags = ''): void {
    const body = Buffer.from(`${tags}00000000`, 'hex');
    const bytes = new Uint8Array(48 + body.length);
    const view = new DataView(bytes.buffer);
    [bytes.length, 3, 77, 0, 8, 1, 77, 7000, 12 + body.length, type, minor, flags].forEach((word, at) =>
      view.setUint32(at * 4, word, true),
    );
    bytes.set(body, 48);
    this.send(bytes);
  }

  /** cs, ro, ds and flags of each minor, without those of congestion and activity log. */
  static shape(text: string | undefined): string {
    return (text ?? '')
      .split('\n')
      .filter((line) => /^ ?\d+: /u.test(line))
      .map((line) => line.replace(/([rs][-apu]{3})..$/u, '$1'))
      .join('\n');
  }

  /**
   * Gets to where the recorded command found the machine: time passes, or the harness made requests that were not
   * recorded.
   */
  settle(command: CapturedCommand): void {
    const wanted = Machine.shape(command.proc_drbd_before);
    if (wanted === '') return;
    const settled = (): boolean => Machine.shape(this.simulator.procDrbd()) === wanted;
    const minors = parseProcDrbd(command.proc_drbd_before ?? '').devices;
    const mine = (minor: number): ReturnType<Simulator['minor']> => this.simulator.minor(minor);
    for (const { minor } of minors) if (mine(minor) === undefined) this.request(get_state.number, minor, 1);
    if (settled()) return;
    const sameConnections = (): boolean =>
      minors.every(({ minor, connection }) =>
        Machine.shape(this.simulator.procDrbd()).includes(`${String(minor).padStart(2)}: cs:${connection} `),
      );
    if (/cs:Connected/u.test(wanted)) this.clock.advanceUntil(() => settled() || sameConnections(), 12_000);
    for (const { minor, role, connection } of minors)
      if (role === 'Secondary' && connection !== 'StandAlone' && mine(minor)?.state.role === 1)
        this.request(secondary.number, minor);
    if (this.clock.advanceUntil(settled, /StandAlone|Unconfigured/u.test(wanted) ? 1000 : 12_000)) return;
    for (const { minor, connection, role, disk } of minors) {
      const view = mine(minor);
      if (view === undefined) continue;
      if (connection === 'Unconfigured')
        for (const type of [disconnect.number, secondary.number, detach.number]) this.request(type, minor);
      if (connection === 'StandAlone' && view.state.conn !== 0) this.request(disconnect.number, minor);
      if (role === 'Secondary' && view.state.role === 1) this.request(secondary.number, minor);
      if (role === 'Primary' && view.state.role !== 1) this.request(primary.number, minor, 0, '018001000100');
      if (disk !== 'Diskless' && disk !== null && view.state.disk === 0) {
        const path = Buffer.from(`/dev/ram${minor}\0`).toString('hex');
        this.request(disk_conf.number, minor, 0, `03e00a00${path}04e00a00${path}05200400fdffffff`);
      }
    }
    this.clock.advanceUntil(settled, 20_000);
  }
}

function raw(bytes: Uint8Array): RawConnectorMessage | undefined {
  const message = decodeDatagram(bytes, 'little').messages[0];
  return message === undefined ? undefined : decodeRaw(message, 'little');
}

/** Whether one datagram answers the other, as a client would see it. */
function answers(reply: Uint8Array, request: Uint8Array): boolean {
  if (request.length < 36) return false;
  const view = new DataView(request.buffer, request.byteOffset);
  const connector = raw(reply)?.connector;
  return (
    connector !== undefined &&
    connector.sequence === view.getUint32(24, true) &&
    connector.ack === (view.getUint32(28, true) + 1) >>> 0
  );
}

/** All of a datagram in hexadecimal, the padding and the values of exempt tags masked. */
function comparable(bytes: Uint8Array | undefined): string {
  const message = bytes === undefined ? undefined : raw(bytes);
  if (bytes === undefined || message === undefined) return 'nothing';
  const masked = bytes.slice();
  for (const { number, payload } of message.list.tags)
    if (EXEMPT_TAGS.includes(number))
      masked.fill(0xee, payload.byteOffset - bytes.byteOffset, payload.byteOffset - bytes.byteOffset + payload.length);
  masked.fill(0, masked.length - message.connector.rest.length);
  return formatHex(masked);
}

/** What the harness did with disks and openers between the commands. */
function prepare(machine: Machine, command: CapturedCommand, openers: (() => void)[]): void {
  const { simulator, clock } = machine;
  const actions: Readonly<Record<string, () => void>> = {
    '02-disk/0001': () => simulator.disk('/dev/ram0').wipeMetadata(),
    '02-disk/0004': () => simulator.disk('/dev/ram0').createMetadata(),
    '02-disk/0062': () => openers.push(simulator.openMinor(0)),
    '02-disk/0067': () => openers.splice(0).forEach((close) => close()),
    '02-disk/0101': () => (simulator.disk('/dev/ram5').busy = true),
    '02-disk/0161': () => simulator.disk('/dev/ram3').createMetadata('flexible'),
    // The recorded minor got from Disconnecting to StandAlone while the program started.
    ...Object.fromEntries(
      ['0210', '0212', '0214', '0216'].map((number) => [`03-net/${number}`, () => clock.advance(200)]),
    ),
    '05-pair/0108': () => clock.advance(5000),
    '06-raw/0126': () => simulator.disk('/dev/ram0').wipeMetadata(),
  };
  actions[command.id]?.();
  const [, , what] = command.argv;
  if (
    command.id > '02-disk/0101' &&
    command.id < '02-disk/9' &&
    what === 'disk' &&
    simulator.minor(0)?.disk === undefined
  )
    simulator.disk('/dev/ram0').createMetadata();
  // A path of 127 characters, made to be as long as the tag allows.
  const alias = command.argv.find((word) => /^\/dev\/y+$/u.test(word));
  if (alias !== undefined) simulator.linkDisk(alias, '/dev/ram0');
}

/** Whether whoever sent a recorded datagram could hear the answer: it had joined the group. */
function couldHear({ argv, note = '' }: CapturedCommand): boolean {
  if (argv[0] !== 'nlsend') return true;
  return (
    !argv.includes('-n') &&
    (argv.includes('0x80') || argv.includes('0xffffffff')) &&
    !/^nobody|without CAP_NET_ADMIN/u.test(note)
  );
}

test.each([
  ['01-unconfigured', 110],
  ['02-disk', 140],
  ['03-net', 250],
  ['04-syncer', 95],
  ['05-pair', 180],
  ['06-raw', 155],
  ['07-negative', 3],
] as const)('%s: each answer is the recorded one', (scenario, atLeast) => {
  const machine = new Machine();
  const openers: (() => void)[] = [];
  const different: string[] = [];
  let compared = 0;
  for (const command of capturedCommands(scenario)) {
    if (command.background === true) continue;
    machine.settle(command);
    prepare(machine, command, openers);
    const privileged =
      command.prefix?.includes('dropadmin') !== true && !/without CAP_SYS_ADMIN|^nobody/u.test(command.note ?? '');
    const datagrams = crossing(command);
    for (const [at, { sent, bytes }] of datagrams.entries()) {
      if (!sent) continue;
      machine.said = [];
      const returned = machine.send(bytes, privileged);
      if (!couldHear(command)) continue;
      compared++;
      // What the recorded buffer cut is not a message.
      const expected = datagrams.slice(at + 1).find((other) => !other.sent && answers(other.bytes, bytes));
      const actual = machine.said.find((other) => answers(other, bytes));
      if (comparable(expected?.bytes) !== comparable(actual) || (command.exit === 'HANG') === returned) {
        different.push(
          `${command.id} ${command.argv.join(' ')}\n  recorded ${comparable(expected?.bytes)}\n  answered ${comparable(actual)}`,
        );
      }
    }
    machine.clock.advance(command.argv.includes('wait-sync') ? 1000 : 1);
  }
  expect(different).toEqual([]);
  expect(compared).toBeGreaterThanOrEqual(atLeast);
});

/** Broadcasts of one minor, in words that can be compared: what it is about and, for states, the word. */
function broadcasts(datagrams: readonly Uint8Array[], minor: number): string[] {
  return datagrams.flatMap((bytes) => {
    const message = raw(bytes);
    if (
      message === undefined ||
      message.connector.ack !== 0 ||
      message.minor !== minor ||
      message.packetType === sync_progress.number
    )
      return [];
    return [`${message.packetType} ${message.list.tags.map(({ payload }) => formatHex(payload)).join()}`];
  });
}

test('05-pair: the life of a mirrored pair is told in the recorded order', () => {
  const machine = new Machine();
  const all: Uint8Array[] = [];
  machine.simulator.onDatagram(({ bytes }) => all.push(bytes));
  const commands = capturedCommands('05-pair');
  const recorded = crossing(commands.find(({ id }) => id === '05-pair/0003') as CapturedCommand).flatMap(
    ({ sent, bytes }) => (sent ? [] : [bytes]),
  );
  // Up to the first split brain; from there on it is a race which side finds out first.
  for (const command of commands.filter(({ background, id }) => background !== true && id < '05-pair/0153')) {
    machine.settle(command);
    prepare(machine, command, []);
    for (const { sent, bytes } of crossing(command)) if (sent) machine.send(bytes);
    machine.clock.advance(command.argv.includes('wait-sync') ? 1000 : 1);
  }
  for (const minor of [0, 1]) {
    const mine = broadcasts(all, minor);
    const theirs = broadcasts(recorded, minor).slice(0, mine.length);
    const first = mine.findIndex((text, at) => text !== theirs[at]);
    expect({
      minor,
      first,
      mine: mine.slice(first - 2, first + 3),
      theirs: theirs.slice(first - 2, first + 3),
    }).toMatchObject({ first: -1 });
    expect(mine.length).toBeGreaterThan(80);
  }
  const numbers = all.map((bytes) => raw(bytes)?.connector).filter((connector) => connector?.ack === 0);
  expect(numbers.map((connector) => connector?.sequence)).toEqual(numbers.map((_unused, at) => at + 3));
});
