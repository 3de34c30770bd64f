import {
  formatRecording,
  type RecordedBlockDevice,
  type RecordedEntry,
  type Recording,
  type RecordingHeader,
} from '../../lib';
import * as genl1 from '../../lib/dialects/genl1';
import * as genl2 from '../../lib/dialects/genl2';
import {
  decodeDatagram,
  decodeGenericMessage,
  encodeMessage,
  GENL_ID_CTRL,
  NLM_F_MULTI,
  NLMSG_DONE,
  parseHex,
  type NetlinkMessage,
} from '../../lib/netlink';
import { hideSecrets } from '../../lib/recording/wire';
import { CAPTURE_FOLDERS, captureLines, capturesIn, type CaptureFolder } from './captures';

/** One recorded command of test/captures, as a recording that both tools can replay. */
export interface CapturedRecording {
  /** `05-pair/0001`, or `config/17`: file and number. */
  readonly id: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** `HANG`: it never came back; null: it streamed until it was ended. */
  readonly exit: number | 'HANG' | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly note: string;
  /** How it was ended from outside, if it was. */
  readonly endedBy: string | undefined;
  /** Wrapper or user that took privileges from it. */
  readonly unprivileged: boolean;
  /**
   * Broadcasts that the recorded program read into too small a buffer, and of which nothing else is known: they are
   * left out.
   */
  readonly cutBroadcasts: number;
  readonly recording: Recording;
}

/** A call of drbdsetup 8.3's connector socket. */
interface ConnectorCall {
  readonly op: string | null;
  readonly rv?: number | null;
  readonly errno?: string;
  readonly hex?: string;
}

interface GenericCall {
  readonly call: string;
  readonly dir?: 'tx' | 'rx';
  readonly hex?: string;
  readonly from?: { readonly nl_pid: number; readonly nl_groups: string };
}

interface CapturedLine {
  readonly id?: string;
  readonly seq?: number;
  readonly note?: string;
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly prefix?: unknown;
  readonly exit: number | 'HANG' | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly raw?: boolean;
  readonly ended_by?: string;
  readonly signal?: string;
  readonly netlink?: readonly ConnectorCall[];
  readonly ops?: readonly GenericCall[];
  readonly proc_drbd_before?: string;
  readonly proc_drbd_after?: string;
}

interface Release {
  readonly dialect: RecordingHeader['dialect'];
  /** The recorded machine's RAM disks, which carry the data. */
  readonly ramDiskBytes: bigint;
}

/** The recorded machines. */
const RELEASES: Readonly<Record<CaptureFolder, Release>> = {
  'drbd-8.3.13': { dialect: 'connector', ramDiskBytes: 64n << 20n },
  'drbd-8.4.11': { dialect: 'genl1', ramDiskBytes: 8n << 20n },
  'drbd-9.1.7': { dialect: 'genl2', ramDiskBytes: 8n << 20n },
  'drbd-9.2.18': { dialect: 'genl2', ramDiskBytes: 16n << 20n },
  'drbd-9.3.3': { dialect: 'genl2', ramDiskBytes: 16n << 20n },
};
const RAM_DISKS = 8;
const RAM_MAJOR = 1;
const DRBD_MAJOR = 147;
/** The connector's group of DRBD 8.3 as a mask: each answer and each broadcast was sent there, by port 0. */
const CONNECTOR_GROUP = 8;
const CONNECTOR_GROUPS = 1 << (CONNECTOR_GROUP - 1);
const NLMSG_HEADER_BYTES = 16;
const CN_ACK = 12;

/** What else the recorded machines had at paths that the commands name. */
/** Another name of a RAM disk, as long as a path may be. */
const LONGEST_PATH = `/dev/${'y'.repeat(122)}`;
const NO_BLOCK_DEVICES = ['/dev/null', '/etc/passwd', '/proc/drbd'];

function blockDevices(
  { argv = [], stderr, ...line }: CapturedLine,
  ramDiskBytes: bigint,
): ReadonlyMap<string, RecordedBlockDevice | null> {
  const devices = new Map<string, RecordedBlockDevice | null>();
  // Whoever has no privileges cannot open what lies there.
  if (isUnprivileged({ argv, ...line })) return devices;
  for (let minor = 0; minor < RAM_DISKS; minor++)
    devices.set(`/dev/ram${minor}`, { sizeBytes: ramDiskBytes, major: RAM_MAJOR, minor });
  for (const path of NO_BLOCK_DEVICES) devices.set(path, null);
  devices.set(LONGEST_PATH, { sizeBytes: ramDiskBytes, major: RAM_MAJOR, minor: 0 });
  // A DRBD device's file was there for each minor that a command names; its size was not recorded.
  for (const argument of argv) {
    const [, number] = /^\/dev\/drbd(0|[1-9]\d{0,2})$/u.exec(argument) ?? [];
    if (number !== undefined) devices.set(argument, { sizeBytes: 0n, major: DRBD_MAJOR, minor: Number(number) });
  }
  // The recorded program found that this device was there.
  const [, there] = /sysfs node '\/sys\/devices\/virtual\/block\/drbd(\d+)'/u.exec(stderr) ?? [];
  if (there !== undefined) devices.set(`/dev/drbd${there}`, { sizeBytes: 0n, major: DRBD_MAJOR, minor: Number(there) });
  return devices;
}

/** Wrapper or user that takes privileges; a wrapper that leaves all but one takes that one alone. */
function isUnprivileged({ user, prefix, argv = [] }: Pick<CapturedLine, 'user' | 'prefix' | 'argv'>): boolean {
  return user !== undefined || prefix !== undefined || (argv[0] === 'setpriv' && argv.includes('--reuid'));
}

function driverOf(text: string | undefined): RecordingHeader['driver'] | undefined {
  const [, version, api] = /^version: (\S+) \(api:(\d+)\//u.exec(text ?? '') ?? [];
  return version === undefined ? undefined : { version, api: Number(api) };
}

/** Netlink's own count of a message's bytes. */
function statedLength(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/**
 * Broadcasts that were read whole by another program of the same file, by the 48 bytes that drbdsetup's configuration
 * commands read.
 */
function wholeBroadcasts(lines: readonly CapturedLine[]): (cut: Uint8Array) => Uint8Array | undefined {
  const whole = new Map<string, Uint8Array[]>();
  for (const { netlink = [] } of lines) {
    for (const { op, hex } of netlink) {
      if (op !== 'recvfrom' || hex === undefined) continue;
      const bytes = parseHex(hex);
      if (
        bytes.length !== statedLength(bytes) ||
        new DataView(bytes.buffer, bytes.byteOffset).getUint32(NLMSG_HEADER_BYTES + CN_ACK, true) !== 0
      )
        continue;
      const key = hex.slice(0, 96);
      const known = whole.get(key) ?? [];
      if (!known.some((other) => Buffer.compare(other, bytes) === 0)) whole.set(key, [...known, bytes]);
    }
  }
  return (cut) => {
    const [only, another] = whole.get(Buffer.from(cut).toString('hex').slice(0, 96)) ?? [];
    return another === undefined ? only : undefined;
  };
}

function connectorEntries(
  calls: readonly ConnectorCall[],
  restore: (cut: Uint8Array) => Uint8Array | undefined,
  losses: boolean,
): { readonly entries: RecordedEntry[]; readonly cutBroadcasts: number } {
  const entries: RecordedEntry[] = [];
  let socket = 0;
  let cutBroadcasts = 0;
  for (const { op, hex, errno } of calls) {
    if (op === 'socket') socket++;
    else if (op === 'sendto' && hex !== undefined) entries.push({ kind: 'tx', line: 0, socket, bytes: parseHex(hex) });
    else if (op === 'recvfrom' && errno === 'ENOBUFS' && losses) entries.push({ kind: 'overrun', line: 0, socket });
    else if (op === 'recvfrom' && hex !== undefined) {
      const read = parseHex(hex);
      const bytes = statedLength(read) > read.length ? restore(read) : read;
      if (bytes === undefined) cutBroadcasts++;
      else
        entries.push({
          kind: 'rx',
          line: 0,
          socket,
          bytes,
          port: 0,
          groups: CONNECTOR_GROUPS,
          group: CONNECTOR_GROUP,
          truncated: false,
        });
    }
  }
  return { entries, cutBroadcasts };
}

/**
 * `events2 --now` ends at the message that closes the initial state, and `wait-*` of DRBD 9 at any that says enough. They
 * leave the end of the dump unread, which the kernel had sent all the same. A program that reads dumps to their end
 * needs it.
 */
function unreadDumpEnd(entries: readonly RecordedEntry[], version: number): RecordedEntry | undefined {
  const order = 'little';
  const { get_initial_state: dump } = (version === 1 ? genl1 : genl2).operations;
  const messagesOf = (entry: RecordedEntry): readonly NetlinkMessage[] =>
    entry.kind === 'rx' || entry.kind === 'tx' ? decodeDatagram(entry.bytes, order).messages : [];
  const place = entries.findLastIndex(
    (entry) =>
      entry.kind === 'tx' &&
      messagesOf(entry).some(
        ({ type, payload }) => type > GENL_ID_CTRL && decodeGenericMessage(payload, order).command === dump.number,
      ),
  );
  const request = entries[place];
  const [asked] = request === undefined ? [] : messagesOf(request);
  if (request?.kind !== 'tx' || asked === undefined) return undefined;
  const answers = entries
    .slice(place)
    .filter((entry) => entry.kind === 'rx' && messagesOf(entry).some(({ sequence }) => sequence === asked.sequence));
  const isOver = answers.some((entry) => messagesOf(entry).some(({ type }) => type === NLMSG_DONE));
  const last = answers.at(-1);
  if (isOver || last?.kind !== 'rx') return undefined;
  return {
    ...last,
    bytes: encodeMessage(
      { type: NLMSG_DONE, flags: NLM_F_MULTI, sequence: asked.sequence, port: asked.port, payload: new Uint8Array(4) },
      order,
    ),
  };
}

function genericEntries(calls: readonly GenericCall[], version: number): RecordedEntry[] {
  const entries: RecordedEntry[] = [];
  let socket = 0;
  for (const { call, dir, hex, from } of calls) {
    if (call === 'socket') socket++;
    else if (dir === 'tx' && hex !== undefined) entries.push({ kind: 'tx', line: 0, socket, bytes: parseHex(hex) });
    else if (dir === 'rx' && hex !== undefined) {
      const groups = from === undefined ? 0 : Number.parseInt(from.nl_groups, 16);
      entries.push({
        kind: 'rx',
        line: 0,
        socket,
        bytes: parseHex(hex),
        port: from?.nl_pid ?? 0,
        groups,
        group: groups === 0 ? 0 : 1 + Math.log2(groups),
        truncated: false,
      });
    }
  }
  const end = unreadDumpEnd(entries, version);
  return end === undefined ? entries : [...entries, end];
}

/**
 * Turns a file of test/captures into recordings, one for each command that a program of DRBD's ran; hand-made datagrams
 * and shell commands are not among them.
 * @param captureFile such as `drbd-8.3.13/05-pair.jsonl`
 * @param options.reveal keep secrets, as is needed to compare what `show` prints; they are kept if absent
 * @param options.losses tell of the loss (ENOBUFS) that drbdsetup met in 14-overflow; it went on as if nothing had been
 *   lost, and so do recordings if absent
 */
export function recordingsOf(
  captureFile: string,
  options: { readonly reveal?: boolean; readonly losses?: boolean } = {},
): readonly CapturedRecording[] {
  const { reveal = true, losses = false } = options;
  const [folder, file = ''] = captureFile.split('/') as [CaptureFolder, string?];
  const { dialect, ramDiskBytes } = RELEASES[folder];
  const name = file.replace(/\.jsonl$/u, '');
  const lines = captureLines<CapturedLine>(captureFile).map(({ command }) => command);
  // Streams stand behind the commands that ran beside them; the numbers tell the order.
  const before = new Map<number, string | undefined>(
    lines.map(({ seq, proc_drbd_after }) => [(seq ?? 0) + 1, proc_drbd_after]),
  );
  const driver = lines
    .map(({ proc_drbd_before, proc_drbd_after }) => driverOf(proc_drbd_before) ?? driverOf(proc_drbd_after))
    .find((known) => known !== undefined);
  const restore = wholeBroadcasts(lines);
  return lines.flatMap((line) => {
    const { id, seq, argv, netlink, ops } = line;
    if (argv === undefined || line.raw === true) return [];
    const text = dialect === 'connector' ? line.proc_drbd_before : before.get(seq ?? 0);
    const { entries, cutBroadcasts } =
      dialect === 'connector'
        ? connectorEntries(netlink ?? [], restore, losses)
        : { entries: genericEntries(ops ?? [], dialect === 'genl1' ? 1 : 2), cutBroadcasts: 0 };
    const endedBy = line.ended_by ?? line.signal;
    return [
      {
        id: id ?? `${name}/${seq ?? 0}`,
        argv,
        env: line.env ?? {},
        exit: line.exit,
        stdout: line.stdout,
        stderr: line.stderr,
        note: line.note ?? '',
        endedBy,
        unprivileged: isUnprivileged(line),
        cutBroadcasts,
        recording: {
          header: {
            dialect,
            byteOrder: 'little' as const,
            driver: driver ?? { version: null, api: null },
            procDrbd: text !== undefined && text.startsWith('version:') ? text : undefined,
            blockDevices: blockDevices(line, ramDiskBytes),
          },
          entries: reveal
            ? entries
            : entries.map((entry) =>
                'bytes' in entry
                  ? { ...entry, bytes: hideSecrets(entry.bytes, 'little', dialect === 'connector') }
                  : entry,
              ),
          end: endedBy === undefined ? ('closed' as const) : ('sigterm' as const),
        },
      },
    ];
  });
}

/** @returns the recording's text, as the program that records would have written it */
export function recordingText(captured: CapturedRecording): string {
  return formatRecording(captured.recording);
}

/** @returns all files of captures, such as `drbd-8.3.13/05-pair.jsonl` */
export function captureFiles(): readonly string[] {
  return CAPTURE_FOLDERS.flatMap((folder) => capturesIn(folder).map((file) => `${folder}/${file}`));
}
