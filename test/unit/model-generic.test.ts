import { decodeRaw, FamilyCodec } from '../../lib/dialects/generic';
import * as genl2 from '../../lib/dialects/genl2';
import {
  apply,
  formatPathAddress,
  keyText,
  noticeOf,
  stateFromGeneric,
  type GenericMessage,
  type KeyOf,
  type ObjectName,
  type PathAddress,
  type PeerDevice,
  type Resource,
  type Snapshot,
  type State,
  type Values,
} from '../../lib/model';
import { Fold } from '../../lib/drbd/fold';
import { readGenl2 } from '../../lib/drbd/read';
import { decodeDatagram, GENL_ID_CTRL } from '../../lib/netlink';
import { CAPTURE_FOLDERS, captureLines, capturesIn } from '../support/captures';
import { expectValidSnapshot } from '../support/schema';

const ORDER = 'little';
const codec = new FamilyCodec('genl2', 2, genl2.operations, genl2.attributeSets);
const CONTEXT = { dialect: 'genl2', order: ORDER } as const;

interface Command {
  readonly seq: number;
  readonly argv?: readonly string[];
  readonly stdout?: string;
  readonly ops?: readonly { readonly dir?: string; readonly hex?: string }[];
}

/** What a recorded command received of the family, in order. */
function messagesOf(command: Command): readonly GenericMessage[] {
  return (command.ops ?? []).flatMap(({ dir, hex }) => {
    if (dir !== 'rx' || hex === undefined) return [];
    return decodeDatagram(new Uint8Array(Buffer.from(hex, 'hex')), ORDER).messages.flatMap((message) => {
      if (message.type <= GENL_ID_CTRL) return [];
      const { name, minor, returnCode, sets } = codec.decode(decodeRaw(message, ORDER), ORDER);
      return returnCode < 0 || returnCode > 101 ? [] : [{ name, minor, sets, sequence: message.sequence }];
    });
  });
}

const commands = CAPTURE_FOLDERS.filter((folder) => folder.startsWith('drbd-9')).flatMap((folder) =>
  capturesIn(folder).flatMap((file) =>
    captureLines<Command>(`${folder}/${file}`).map(({ number, command }) => ({
      where: `${folder}/${file}:${number}`,
      command,
      argv: command.argv ?? [],
    })),
  ),
);

function stateOf(command: Command): State {
  const messages = messagesOf(command);
  const dump = (name: string): { minor?: number | undefined; [set: string]: unknown }[] =>
    messages.filter((message) => message.name === name).map(({ minor, sets }) => ({ minor, ...sets }));
  return stateFromGeneric({
    ...CONTEXT,
    driver: { version: null, api: 2 },
    dumps: {
      resources: dump('get_resources'),
      devices: dump('get_devices'),
      connections: dump('get_connections'),
      peerDevices: dump('get_peer_devices'),
    },
  });
}

type Printed = Readonly<Record<string, unknown>>;
const listOf = (value: unknown): readonly Printed[] => (Array.isArray(value) ? (value as readonly Printed[]) : []);
const kib = (bytes: bigint | null | undefined): number => Number(bytes ?? -1n) / 1024;
const sectors = (bytes: bigint | null | undefined): number => Number(bytes ?? -1n) / 512;
const mibs = (bytes: bigint | null, ms: bigint | null): number =>
  (Number(bytes ?? 0n) / Number(ms === 0n || ms === null ? 1n : ms)) * (1000 / 2 ** 20);
const rounded = (value: number): number => Number(value.toFixed(2));

/** A resource as drbdsetup prints it with `status --json`, from the model. */
function printed(resource: Resource): object {
  const { suspended } = resource;
  return {
    name: resource.name,
    'node-id': resource.nodeId,
    role: resource.role,
    suspended: Object.values(suspended).some((reason) => reason === true),
    'suspended-user': suspended.user,
    'suspended-no-data': suspended.noData,
    'suspended-fencing': suspended.fencing,
    'suspended-quorum': suspended.quorum,
    'force-io-failures': resource.forceIoFailures,
    'write-ordering': resource.writeOrdering,
    devices: resource.devices.map(({ volume, minor, disk, client, open, quorum, stats }) => ({
      volume,
      minor,
      'disk-state': disk,
      client: client === true,
      open: open === true,
      quorum,
      ...(stats === null || stats.sizeBytes === null
        ? {}
        : {
            size: kib(stats.sizeBytes),
            read: kib(stats.readBytes),
            written: kib(stats.writtenBytes),
            'al-writes': Number(stats.alWrites),
            'bm-writes': Number(stats.bmWrites),
            'upper-pending': stats.upperPending,
            'lower-pending': stats.lowerPending,
          }),
    })),
    connections: resource.connections.map((connection) => ({
      'peer-node-id': connection.peerNodeId,
      // A kernel that was given no name has an empty one.
      name: connection.name ?? '',
      'connection-state': connection.state,
      congested: connection.congested,
      'peer-role': connection.role,
      tls: connection.options?.['tls'] === true,
      ...(connection.apInFlightBytes === null
        ? {}
        : {
            'ap-in-flight': sectors(connection.apInFlightBytes),
            'rs-in-flight': sectors(connection.rsInFlightBytes),
          }),
      peer_devices: connection.peerDevices.map((peerDevice) => printedPeerDevice(peerDevice, resource)),
    })),
  };
}

function printedPeerDevice(peerDevice: PeerDevice, { devices }: Resource): object {
  const { resync, stats, resyncSuspended: held } = peerDevice;
  const size = devices.find(({ volume }) => volume === peerDevice.volume)?.stats?.sizeBytes ?? null;
  const reasons = (
    [
      ['user', held.user],
      ['peer', held.peer],
      ['dependency', held.dependency],
      ['max-parallel', held.maxParallel],
    ] as const
  ).flatMap(([word, holds]) => (holds === true ? [word] : []));
  return {
    volume: peerDevice.volume,
    'replication-state': peerDevice.replication,
    'peer-disk-state': peerDevice.peerDisk,
    'peer-client': peerDevice.peerClient === true,
    'resync-suspended': reasons.length === 0 ? 'no' : reasons.join(','),
    received: kib(stats?.receivedBytes),
    sent: kib(stats?.sentBytes),
    'out-of-sync': kib(peerDevice.outOfSyncBytes),
    pending: stats?.pending,
    unacked: stats?.unacked,
    'has-sync-details': resync !== null && resync.totalBytes !== null,
    'has-online-verify-details': resync?.kind === 'verify' && resync.leftBytes !== 0n,
    'percent-in-sync':
      size === null || size === 0n ? 0 : rounded(100 * (1 - Number(peerDevice.outOfSyncBytes) / Number(size))),
    ...(resync?.totalBytes === null || resync === null
      ? {}
      : {
          'rs-total': sectors(resync.totalBytes),
          'rs-dt-start-ms': Number(resync.elapsedMs),
          'rs-paused-ms': Number(resync.pausedMs),
          'rs-dt0-ms': Number(resync.mark0Ms),
          'rs-db0-sectors': sectors(resync.mark0Bytes),
          'rs-dt1-ms': Number(resync.mark1Ms),
          'rs-db1-sectors': sectors(resync.mark1Bytes),
          ...(resync.kind === 'verify' && resync.leftBytes !== 0n
            ? {
                'ov-start-sector': sectors(resync.verifyStartBytes),
                'ov-stop-sector': resync.verifyStopBytes === null ? -1 : sectors(resync.verifyStopBytes),
                'ov-position': sectors(resync.verifyPositionBytes),
                'ov-left': sectors(resync.leftBytes),
                'ov-skipped': sectors(resync.verifySkippedBytes),
              }
            : {
                'rs-failed': sectors(stats?.resyncFailedBytes),
                'rs-same-csum': sectors(resync.sameChecksumBytes),
              }),
          want: rounded(Number(resync.wantedBytesPerSecond) / 2 ** 20),
          'db0/dt0 [MiB/s]': rounded(mibs(resync.mark0Bytes, resync.mark0Ms)),
          'db1/dt1 [MiB/s]': rounded(mibs(resync.mark1Bytes, resync.mark1Ms)),
          'estimated-seconds-to-finish': resync.etaSeconds ?? 987654321,
          'db/dt [MiB/s]': rounded(
            mibs(
              (resync.totalBytes ?? 0n) - (resync.leftBytes ?? 0n),
              (resync.elapsedMs ?? 0n) - (resync.pausedMs ?? 0n),
            ),
          ),
          'percent-resync-done': resync.percent,
        }),
  };
}

/** The interface of a link-local address is the first one wherever these were recorded. */
const withInterface = (address: PathAddress | null): string => formatPathAddress(address).replace('%1]', '%lo]');

/** The words of `events2`, by the model's properties. */
const yesNo = (value: boolean | null | undefined): string => (value === true ? 'yes' : 'no');
function existsLines(snapshot: Snapshot, statistics: boolean): string[] {
  const lines: string[] = [];
  const say = (...words: readonly (string | false)[]): void => {
    lines.push(['exists', ...words.filter((word) => word !== false)].join(' '));
  };
  for (const resource of snapshot.resources) {
    const { suspended } = resource;
    const why = [
      suspended.user === true && 'user',
      suspended.noData === true && 'no-data',
      suspended.fencing === true && 'fencing',
      suspended.quorum === true && 'quorum',
    ].filter((reason) => reason !== false);
    const name = `name:${resource.name}`;
    say(
      'resource',
      name,
      `role:${resource.role}`,
      `suspended:${why.length === 0 ? 'no' : why.join(',')}`,
      resource.forceIoFailures !== null && `force-io-failures:${yesNo(resource.forceIoFailures)}`,
      statistics && `write-ordering:${resource.writeOrdering}`,
      `may_promote:${yesNo(resource.mayPromote)}`,
      `promotion_score:${resource.promotionScore}`,
    );
    for (const { peerNodeId, name: peer, ...connection } of resource.connections) {
      const place = `${name} peer-node-id:${peerNodeId} conn-name:${peer ?? ''}`;
      say('connection', place, `connection:${connection.state}`, `role:${connection.role}`);
      for (const { replication, peerDisk, peerClient, volume } of connection.peerDevices) {
        say(
          'peer-device',
          place,
          `volume:${volume}`,
          `replication:${replication}`,
          `peer-disk:${peerDisk}`,
          `peer-client:${yesNo(peerClient)}`,
        );
      }
      for (const { local, peer: remote, established } of connection.paths)
        say(
          'path',
          place,
          `local:${withInterface(local)}`,
          `peer:${withInterface(remote)}`,
          `established:${yesNo(established)}`,
        );
    }
    for (const device of resource.devices)
      say(
        'device',
        name,
        `volume:${device.volume}`,
        `minor:${device.minor}`,
        `backing_dev:${device.backingDevice ?? 'none'}`,
        `disk:${device.disk}`,
        `client:${yesNo(device.client)}`,
        `quorum:${yesNo(device.quorum)}`,
      );
  }
  return lines.sort();
}

/** The lines of a recorded `events2`, cut to the words that {@link existsLines} has, sorted. */
function recordedLines(text: string): string[] {
  const kept =
    /^(exists|name|peer-node-id|conn-name|volume|minor|local|peer|established|role|suspended|force-io-failures|may_promote|promotion_score|connection|replication|peer-disk|peer-client|backing_dev|disk|client|quorum):/u;
  return text
    .split('\n')
    .map((line) => line.replace(/^\d\S+T\S+ /u, ''))
    .filter((line) => line.startsWith('exists ') && line !== 'exists -')
    .map((line) => {
      const [exists = '', object = '', ...words] = line.split(' ');
      return [exists, object, ...words.filter((word) => kept.test(word))].join(' ');
    })
    .sort();
}

const kibText = (bytes: bigint | null | undefined): string => `${kib(bytes)}`;
const sectorText = (bytes: bigint | null | undefined): string => `${sectors(bytes)}`;
const reasonText = (reasons: readonly (string | false)[]): string =>
  reasons.filter((reason) => reason !== false).join(',') || 'no';

/** The words behind the keys of a line of `events2`, by the model's properties. */
const EVENTS2_WORDS: {
  readonly [K in ObjectName]: Readonly<Record<string, (values: Values<K>) => string>>;
} = {
  resource: {
    role: ({ role }) => `${role}`,
    suspended: ({ suspended: { user, noData, fencing, quorum } }) =>
      reasonText([
        user === true && 'user',
        noData === true && 'no-data',
        fencing === true && 'fencing',
        quorum === true && 'quorum',
      ]),
    'force-io-failures': ({ forceIoFailures }) => yesNo(forceIoFailures),
    'write-ordering': ({ writeOrdering }) => `${writeOrdering}`,
    may_promote: ({ mayPromote }) => yesNo(mayPromote),
    promotion_score: ({ promotionScore }) => `${promotionScore}`,
  },
  device: {
    backing_dev: ({ backingDevice }) => backingDevice ?? 'none',
    disk: ({ disk }) => `${disk}`,
    client: ({ client }) => yesNo(client),
    quorum: ({ quorum }) => yesNo(quorum),
    size: ({ stats }) => kibText(stats?.sizeBytes),
    read: ({ stats }) => kibText(stats?.readBytes),
    written: ({ stats }) => kibText(stats?.writtenBytes),
    'al-writes': ({ stats }) => `${stats?.alWrites}`,
    'bm-writes': ({ stats }) => `${stats?.bmWrites}`,
    'upper-pending': ({ stats }) => `${stats?.upperPending}`,
    'lower-pending': ({ stats }) => `${stats?.lowerPending}`,
    'al-suspended': ({ stats }) => yesNo(stats?.alSuspended),
    blocked: ({ stats }) =>
      reasonText([stats?.upperBlocked === true && 'upper', stats?.lowerBlocked === true && 'lower']),
  },
  connection: {
    connection: ({ state }) => `${state}`,
    role: ({ role }) => `${role}`,
    congested: ({ congested }) => yesNo(congested),
    'ap-in-flight': ({ apInFlightBytes }) => sectorText(apInFlightBytes),
    'rs-in-flight': ({ rsInFlightBytes }) => sectorText(rsInFlightBytes),
  },
  path: { established: ({ established }) => yesNo(established) },
  peerDevice: {
    replication: ({ replication }) => `${replication}`,
    'peer-disk': ({ peerDisk }) => `${peerDisk}`,
    'peer-client': ({ peerClient }) => yesNo(peerClient),
    'resync-suspended': ({ resyncSuspended: { user, peer, dependency, maxParallel } }) =>
      reasonText([
        user === true && 'user',
        peer === true && 'peer',
        dependency === true && 'dependency',
        maxParallel === true && 'max-parallel',
      ]),
    received: ({ stats }) => kibText(stats?.receivedBytes),
    sent: ({ stats }) => kibText(stats?.sentBytes),
    'out-of-sync': ({ outOfSyncBytes }) => kibText(outOfSyncBytes),
    pending: ({ stats }) => `${stats?.pending}`,
    unacked: ({ stats }) => `${stats?.unacked}`,
    done: ({ resync }) => (resync?.percent ?? 0).toFixed(2),
    'rs-total': ({ resync }) => sectorText(resync?.totalBytes),
    'rs-dt-start-ms': ({ resync }) => `${resync?.elapsedMs}`,
    'rs-paused-ms': ({ resync }) => `${resync?.pausedMs}`,
    'rs-dt0-ms': ({ resync }) => `${resync?.mark0Ms}`,
    'rs-db0-sectors': ({ resync }) => sectorText(resync?.mark0Bytes),
    'rs-dt1-ms': ({ resync }) => `${resync?.mark1Ms}`,
    'rs-db1-sectors': ({ resync }) => sectorText(resync?.mark1Bytes),
    'rs-failed': ({ stats }) => sectorText(stats?.resyncFailedBytes),
    'rs-same-csum': ({ resync }) => sectorText(resync?.sameChecksumBytes),
    dbdt: ({ resync }) =>
      mibs(
        (resync?.totalBytes ?? 0n) - (resync?.leftBytes ?? 0n),
        (resync?.elapsedMs ?? 0n) - (resync?.pausedMs ?? 0n),
      ).toFixed(2),
    dbdt0: ({ resync }) => mibs(resync?.mark0Bytes ?? null, resync?.mark0Ms ?? null).toFixed(2),
    dbdt1: ({ resync }) => mibs(resync?.mark1Bytes ?? null, resync?.mark1Ms ?? null).toFixed(2),
    eta: ({ resync }) => `${resync?.etaSeconds ?? 'nan'}`,
  },
};
const RUN = /^(?:rs-(?!failed)|ov-|done$|eta$|dbdt)/u;
const EVENTS2_OBJECTS: Readonly<Record<string, ObjectName>> = {
  resource: 'resource',
  device: 'device',
  connection: 'connection',
  path: 'path',
  'peer-device': 'peerDevice',
};
const EVENTS2_KEYS: Readonly<Record<ObjectName, readonly string[]>> = {
  resource: ['name'],
  device: ['name', 'volume', 'minor'],
  connection: ['name', 'peer-node-id', 'conn-name'],
  path: ['name', 'peer-node-id', 'conn-name', 'local', 'peer'],
  peerDevice: ['name', 'peer-node-id', 'conn-name', 'volume'],
};

interface PrintedLine {
  readonly text: string;
  readonly action: string;
  readonly object: ObjectName;
  readonly key: KeyOf;
  /** Names and values; of `old->new` the new one. */
  readonly words: readonly (readonly [name: string, value: string])[];
}

function printedLine(text: string): PrintedLine | undefined {
  // eslint-disable-next-line no-control-regex -- one of the recorded streams is coloured
  const plain = text.replace(/\u001b\[[\d;]*m/gu, '').replace(/^\d\S+T\S+ /u, '');
  const [action = '', kind = '', ...rest] = plain.split(' ');
  const object = EVENTS2_OBJECTS[kind];
  if (object === undefined) return undefined;
  const words = rest.map((word): readonly [string, string] => {
    const colon = word.indexOf(':');
    return [word.slice(0, colon), word.slice(colon + 1).replace(/^.*->/u, '')];
  });
  const known = new Map(words);
  const number = (name: string): number | undefined => (known.has(name) ? Number(known.get(name)) : undefined);
  const [volume, peerNodeId] = [number('volume'), number('peer-node-id')];
  const key: Record<string, unknown> = { resource: known.get('name') };
  if (volume !== undefined) key['volume'] = volume;
  if (peerNodeId !== undefined) key['peerNodeId'] = peerNodeId;
  if (object === 'path') {
    key['local'] = known.get('local')?.replace('%lo]', '%1]');
    key['peer'] = known.get('peer')?.replace('%lo]', '%1]');
  }
  const own = words.filter(([name]) => !EVENTS2_KEYS[object].includes(name));
  return { text: plain, action, object, key: key as unknown as KeyOf, words: own };
}

function wordOf(object: ObjectName, values: Values, name: string): string | undefined {
  const table: Readonly<Record<string, (values: never) => string>> = EVENTS2_WORDS[object];
  return table[name]?.(values as never);
}

/**
 * Folds the messages of a command one by one, up to the one that each line is about, and compares all that it prints.
 * @returns the names of the words that were compared
 */
function printedAlong(where: string, command: Command): readonly string[] {
  const compared: string[] = [];
  const left = messagesOf(command).flatMap((message) => noticeOf(message, CONTEXT) ?? []);
  let state = EMPTY;
  const differs = ({ object, key, words }: PrintedLine): readonly string[] => {
    const values = state.get(object, key);
    if (values === undefined) return ['it does not exist'];
    return words.flatMap(([name, value]) => {
      // The kernel counts a run before it is one.
      if (RUN.test(name) && object === 'peerDevice' && (values as Values<'peerDevice'>).resync === null) return [];
      const ours = wordOf(object, values, name);
      return ours === value ? [] : [`${name} is ${ours}`];
    });
  };
  // How good a place for a promotion a node is follows from the objects of the lines behind it.
  const isDerived = ({ object, action, words }: PrintedLine): boolean =>
    object === 'resource' &&
    action === 'change' &&
    words.every(([name]) => /^(?:may_promote|promotion_score)$/u.test(name));
  for (const text of (command.stdout ?? '').split('\n')) {
    const line = printedLine(text);
    if (line === undefined) continue;
    if (isDerived(line)) continue;
    let problem: readonly string[] = ['no message is about it'];
    // What exists is printed once all of it is known, in an order of its own.
    if (line.action === 'exists') {
      const known = left.findLastIndex(({ action }) => action === 'exists');
      for (const { updates } of left.splice(0, known + 1))
        state = updates.reduce((now, update) => apply(now, update).state, state);
      problem = differs(line);
    }
    while (line.action !== 'exists') {
      const notice = left.shift();
      if (notice === undefined) break;
      state = notice.updates.reduce((now, update) => apply(now, update).state, state);
      const isOwn =
        notice.action === line.action && keyText(notice.object, notice.key) === keyText(line.object, line.key);
      if (isOwn)
        problem =
          line.action === 'rename' || (line.action === 'destroy' && state.get(line.object, line.key) === undefined)
            ? []
            : differs(line);
      if (isOwn && problem.length === 0) break;
    }
    expect([where, text, problem]).toEqual([where, text, []]);
    if (line.action !== 'rename') compared.push(...line.words.map(([name]) => name));
  }
  return compared;
}

const fold = (before: State, messages: readonly GenericMessage[]): State =>
  messages.reduce(
    (state, message) =>
      (noticeOf(message, CONTEXT)?.updates ?? []).reduce((now, update) => apply(now, update).state, state),
    before,
  );
const EMPTY = stateFromGeneric({
  ...CONTEXT,
  driver: { version: null, api: 2 },
  dumps: { resources: [], devices: [], connections: [], peerDevices: [] },
});

describe('genl2: status() against drbdsetup', () => {
  const recorded = commands.filter(
    ({ argv, command }) => argv.includes('status') && argv.includes('--json') && (command.stdout ?? '').startsWith('['),
  );

  test('every recorded `status --json` says what the model says, property by property', () => {
    let compared = 0;
    let verbose = 0;
    const replications = new Set<string>();
    for (const { where, argv, command } of recorded) {
      const { snapshot } = stateOf(command);
      expectValidSnapshot(snapshot);
      const wanted = listOf(JSON.parse(command.stdout ?? '[]'));
      for (const resource of wanted) {
        const found = snapshot.resources.find(({ name }) => name === resource['name']);
        expect([where, found === undefined ? undefined : printed(found)]).toMatchObject([where, resource]);
        compared++;
        for (const { peer_devices: peers } of listOf(resource['connections']))
          for (const peer of listOf(peers)) replications.add(`${String(peer['replication-state'])}`);
      }
      if (argv.includes('--verbose') && argv.includes('--statistics')) verbose++;
    }
    expect(compared).toBeGreaterThan(60);
    expect(verbose).toBeGreaterThanOrEqual(10);
    expect(replications.size).toBeGreaterThan(3);
  });

  test('every recorded `events2 --now` says what the initial state says', () => {
    let compared = 0;
    for (const { where, argv, command } of commands) {
      if (!argv.includes('events2') || !argv.includes('--now') || argv.some((word) => word.startsWith('--diff')))
        continue;
      if (!(command.stdout ?? '').includes('exists resource')) continue;
      const name = argv.find((word, at) => at > 1 && /^r\d$/u.test(word));
      const all = fold(EMPTY, messagesOf(command)).snapshot;
      const resources = all.resources.filter((resource) => name === undefined || resource.name === name);
      expect([where, existsLines({ ...all, resources }, false)]).toEqual([where, recordedLines(command.stdout ?? '')]);
      compared++;
    }
    expect(compared).toBeGreaterThan(30);
  });

  test('every line of every recorded `events2`, statistics included, says what the fold says at that moment', () => {
    const compared = new Map<string, number>();
    for (const { where, argv, command } of commands) {
      if (!argv.includes('events2') || !(command.stdout ?? '').includes(' resource ')) continue;
      // With these a line has more than its message says, or is of another reading.
      if (!argv.includes('--now') && argv.some((word) => /^--(?:full|diff|poll)/u.test(word))) continue;
      for (const word of printedAlong(where, command)) compared.set(word, (compared.get(word) ?? 0) + 1);
    }
    // Each word has been compared, the statistics many times.
    for (const word of Object.values(EVENTS2_WORDS).flatMap((words) => Object.keys(words)))
      expect([word, compared.get(word)]).toEqual([word, expect.any(Number)]);
    for (const word of ['write-ordering', 'written', 'received', 'out-of-sync', 'ap-in-flight', 'al-suspended'])
      expect(compared.get(word)).toBeGreaterThan(50);
    for (const word of ['done', 'eta', 'dbdt1', 'blocked']) expect(compared.get(word)).toBeGreaterThan(5);
  });

  test('notifications that overtook each other within a batch or beyond fold to the same state', () => {
    let compared = 0;
    for (const file of ['drbd-9.2.18/watch.jsonl', 'drbd-9.3.3/watch.jsonl'] as const) {
      for (const { command } of captureLines<Command>(file)) {
        const notices = messagesOf(command).flatMap((message) => {
          const notice = noticeOf(message, CONTEXT);
          return notice === undefined || notice.action === 'exists' || notice.action === 'helper'
            ? []
            : [{ sequence: message.sequence ?? 0, notice }];
        });
        if (notices.length < 20) continue;
        const inOrder = new Fold(EMPTY);
        for (const { sequence, notice } of notices) inOrder.take(sequence, notice);
        // Each of these comes one place too late, unless the one that it belongs to would be behind it.
        const late = new Fold(EMPTY);
        for (let at = 0; at < notices.length; at += 2) {
          const pair = notices.slice(at, at + 2);
          const mayTurn = pair.every(({ notice }) => notice.action === 'change');
          for (const { sequence, notice } of mayTurn ? pair.reverse() : pair) late.take(sequence, notice);
        }
        expect(inOrder.state.diff(late.state)).toEqual([]);
        compared++;
      }
    }
    expect(compared).toBeGreaterThanOrEqual(6);
  });

  test('the fold of each watched stream ends where the `events2 --now` recorded at its end is', () => {
    let compared = 0;
    for (const file of ['drbd-9.2.18/watch.jsonl', 'drbd-9.3.3/watch.jsonl']) {
      const lines = captureLines<Command>(file).map(({ command }) => command);
      const end = lines.find(({ argv }) => argv?.includes('events2') === true && argv.includes('--now'));
      const wanted = existsLines(fold(EMPTY, messagesOf(end ?? { seq: 0 })).snapshot, false);
      for (const command of lines) {
        const argv = command.argv ?? [];
        if (!argv.includes('events2') || argv.includes('--now') || argv.includes('--poll')) continue;
        const notices = messagesOf(command);
        if (notices.length < 20) continue;
        const { snapshot } = fold(EMPTY, notices);
        expect([file, command.seq, existsLines(snapshot, false)]).toEqual([file, command.seq, wanted]);
        expectValidSnapshot(snapshot);
        compared++;
      }
    }
    expect(compared).toBeGreaterThanOrEqual(6);
  });

  test('a client reads the initial state and the dumps, and again when they do not agree', async () => {
    const status = recorded.find(
      ({ argv, command }) => argv.includes('--statistics') && command.stdout?.includes('"Established"') === true,
    );
    const dumps = messagesOf(status?.command ?? { seq: 0 });
    const { snapshot } = stateOf(status?.command ?? { seq: 0 });
    // What get_initial_state would have said at that moment, and a moment before.
    const initialOf = (role: number): readonly object[] =>
      dumps.flatMap(({ name, minor, sets }) => {
        const notified = STATES[name];
        const info = sets['resource_info'];
        const told = info === undefined ? sets : { ...sets, resource_info: { ...info, res_role: role } };
        return notified === undefined
          ? []
          : [{ name: notified, minor, ...told, drbd_notification_header: { nh_type: 0 } }];
      });
    const run = async (agreesAfter: number): Promise<{ readonly state: State; readonly reads: number }> => {
      let reads = 0;
      const request = (name: string): Promise<unknown> => {
        if (name === 'get_initial_state') return Promise.resolve(initialOf(++reads > agreesAfter ? 2 : 1));
        return Promise.resolve(
          dumps.filter((message) => message.name === name).map(({ minor, sets }) => ({ name, minor, ...sets })),
        );
      };
      const state = await readGenl2({ driver: { version: '9.2.18', api: 2 }, request }, { order: ORDER });
      return { state, reads };
    };
    const once = await run(0);
    expect([once.reads, once.state.source]).toEqual([
      1,
      { dialect: 'genl2', driver: '9.2.18', api: 2, complete: true },
    ]);
    expect(once.state.snapshot.resources).toEqual(snapshot.resources);
    const twice = await run(1);
    expect([twice.reads, twice.state.source.complete]).toEqual([2, true]);
    const never = await run(99);
    expect([never.reads, never.state.source.complete]).toEqual([3, false]);
  });
});

const STATES: Readonly<Record<string, string>> = {
  get_resources: 'resource_state',
  get_devices: 'device_state',
  get_connections: 'connection_state',
  get_peer_devices: 'peer_device_state',
};
