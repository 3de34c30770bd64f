import { inspect } from 'node:util';

import {
  ArgumentError,
  encodePlanned,
  plan,
  verbOptions,
  type Snapshot,
  type VerbName,
  type VerbOptions,
  type VerbTarget,
} from '../../lib';
import * as connector from '../../lib/dialects/connector';
import { decodeRaw, FamilyCodec, type DecodedMessage } from '../../lib/dialects/generic';
import * as genl1 from '../../lib/dialects/genl1';
import * as genl2 from '../../lib/dialects/genl2';
import { decodeDatagram, decodeSocketAddress, GENL_ID_CTRL, type NetlinkMessage } from '../../lib/netlink';
import { CAPTURE_FOLDERS, capturedDatagrams, type CaptureFolder } from '../support/captures';

// What drbdsetup sent to genuine kernels, said as verbs: the planned requests have the same bytes.

const ORDER = 'little';
type GenericDialect = 'genl1' | 'genl2';
const codecs = {
  genl1: new FamilyCodec('genl1', 1, genl1.operations, genl1.attributeSets),
  genl2: new FamilyCodec('genl2', 2, genl2.operations, genl2.attributeSets),
};

interface Act {
  readonly verb: VerbName;
  readonly target: VerbTarget;
  readonly options: VerbOptions;
  /** What exists beforehand. */
  readonly before: { readonly resource: boolean; readonly device: boolean; readonly connection: boolean };
}

/** The verb whose plan has a recorded request. */
const VERB_OF: Readonly<Record<string, VerbName>> = {
  new_resource: 'create',
  new_minor: 'create',
  attach: 'attach',
  detach: 'detach',
  new_peer: 'connect',
  new_path: 'connect',
  connect: 'connect',
  disconnect: 'disconnect',
  primary: 'promote',
  secondary: 'demote',
  down: 'down',
  invalidate: 'invalidate',
  inval_peer: 'invalidate',
  start_ov: 'verify',
  pause_sync: 'pauseSync',
  resume_sync: 'resumeSync',
  suspend_io: 'suspendIo',
  resume_io: 'resumeIo',
  resize: 'resize',
  outdate: 'outdate',
  new_c_uuid: 'newCurrentUuid',
  resource_opts: 'setOptions',
  chg_disk_opts: 'setOptions',
  chg_net_opts: 'setOptions',
  chg_peer_device_opts: 'setOptions',
  rename_resource: 'rename',
  forget_peer: 'forgetPeer',
};
const OBJECT_OF: Readonly<Record<string, string>> = {
  resource_opts: 'resource',
  chg_disk_opts: 'device',
  chg_net_opts: 'connection',
  chg_peer_device_opts: 'peerDevice',
};

interface Context {
  readonly ctx_resource_name?: string;
  readonly ctx_volume?: number;
  readonly ctx_peer_node_id?: number;
  readonly ctx_my_addr?: Uint8Array;
  readonly ctx_peer_addr?: Uint8Array;
}

/** @returns a recorded request as an act, or undefined where no verb stands for it */
function actOf(dialect: GenericDialect, message: DecodedMessage): Act | undefined {
  const verb = VERB_OF[message.name];
  if (verb === undefined) return undefined;
  const { context = {}, ...sets } = message.sets as { readonly context?: Context };
  // A change of nothing is no request.
  if (verb === 'setOptions' && Object.keys(sets).length === 0 && !message.setDefaults) return undefined;
  const options: Record<string, unknown> = {};
  for (const [set, values] of Object.entries(sets as Record<string, unknown>))
    for (const [field, value] of Object.entries((Array.isArray(values) ? values[0] : values) as object)) {
      const option = verbOptions(dialect, verb).find(
        (row) => row.request === message.name && row.set === set && row.field === field,
      );
      // The number's old name.
      options[option?.name ?? (field === 'assume_uptodate' ? 'force' : field)] = value as unknown;
    }
  if (dialect === 'genl1' && message.name === 'connect')
    Object.assign(options, { myAddr: context.ctx_my_addr, peerAddr: context.ctx_peer_addr });
  if (message.name === 'inval_peer') options['side'] = 'peer';
  if (message.setDefaults) options['setDefaults'] = [OBJECT_OF[message.name]];
  // What comes before the request in the same plan, and is not compared.
  const { name } = message;
  if (name === 'new_path' || (name === 'connect' && dialect === 'genl2'))
    options['peerNodeId'] = context.ctx_peer_node_id;
  if (name === 'new_peer')
    Object.assign(options, { peerNodeId: context.ctx_peer_node_id, myAddr: '10.0.0.1', peerAddr: '10.0.0.2' });
  const target: VerbTarget = {
    ...(context.ctx_resource_name === undefined && message.minor === undefined ? { resource: 'r0' } : {}),
    ...(context.ctx_resource_name === undefined ? {} : { resource: context.ctx_resource_name }),
    ...(context.ctx_volume === undefined ? {} : { volume: context.ctx_volume }),
    ...(message.minor === undefined ? {} : { minor: message.minor }),
    ...(context.ctx_peer_node_id === undefined || verb === 'connect' ? {} : { peer: context.ctx_peer_node_id }),
  };
  return {
    verb,
    target,
    options,
    before: { resource: name !== 'new_resource', device: name !== 'new_minor', connection: name !== 'new_peer' },
  };
}

/** @returns a snapshot that has what an act needs */
function snapshotFor(dialect: GenericDialect, { target, before }: Act, context: Context): Snapshot {
  const pathAddress = (bytes: Uint8Array | undefined): unknown =>
    bytes === undefined ? null : { ...decodeSocketAddress(bytes, ORDER), familyCode: bytes[0], scopeId: null };
  const { minor = 0, volume = 0 } = target;
  const resources = [
    {
      name: target.resource ?? 'r0',
      nodeId: 0,
      devices: before.device ? [{ minor, volume, disk: 'UpToDate' }] : [],
      connections: before.connection
        ? [
            {
              peerNodeId: context.ctx_peer_node_id ?? null,
              name: 'peer',
              state: 'StandAlone',
              paths:
                context.ctx_my_addr === undefined
                  ? []
                  : [{ local: pathAddress(context.ctx_my_addr), peer: pathAddress(context.ctx_peer_addr) }],
              peerDevices: [],
            },
          ]
        : [],
    },
  ];
  return {
    schemaVersion: 2,
    source: { dialect, driver: null, api: null, complete: true },
    unconfiguredMinors: null,
    resources: before.resource ? resources : [],
  } as unknown as Snapshot;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** @returns the message without what differs from run to run */
function comparable(bytes: Uint8Array): string {
  const copy = Uint8Array.from(bytes);
  // Type, flags, sequence and port.
  copy.fill(0, 4, 16);
  return hex(copy);
}

function compare(
  dialect: GenericDialect,
  folder: CaptureFolder,
): { readonly compared: Map<string, number>; readonly refused: string[] } {
  const compared = new Map<string, number>();
  const refused: string[] = [];
  const seen = new Set<string>();
  for (const { where, sent, bytes, command } of capturedDatagrams(folder)) {
    const [message] = sent ? decodeDatagram(bytes, ORDER).messages : [];
    if (message === undefined || message.type <= GENL_ID_CTRL || seen.has(comparable(bytes))) continue;
    seen.add(comparable(bytes));
    const decoded = decode(dialect, message);
    const act = actOf(dialect, decoded);
    if (act === undefined) continue;
    const context = (decoded.sets['context'] ?? {}) as Context;
    let requests;
    try {
      requests = plan(act.verb, act.target, act.options, snapshotFor(dialect, act, context));
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw new Error(`${where}: ${command}`, { cause: error });
      refused.push(`${command}: ${error.message}`);
      continue;
    }
    const found = requests
      .filter(({ name }) => name === decoded.name)
      .map((request) => comparable(encodePlanned(dialect, request, { order: ORDER })));
    expect([where, command, found]).toEqual([where, command, [comparable(bytes)]]);
    compared.set(decoded.name, (compared.get(decoded.name) ?? 0) + 1);
  }
  return { compared, refused };
}

function decode(dialect: GenericDialect, message: NetlinkMessage): DecodedMessage {
  return codecs[dialect].decode(decodeRaw(message, ORDER), ORDER);
}

/** What drbdsetup sends unchecked, and a library refuses before anything is sent. */
const REFUSED = /is needed, not -?\d+$|at most \d+ bytes fit|connect\.name: is missing/u;

function expectAll(dialect: GenericDialect, folders: readonly CaptureFolder[]): void {
  const names = new Set<string>();
  for (const folder of folders) {
    const { compared, refused } = compare(dialect, folder);
    for (const name of compared.keys()) names.add(name);
    expect(refused.filter((text) => !REFUSED.test(text))).toEqual([]);
  }
  const operations = Object.keys(dialect === 'genl1' ? genl1.operations : genl2.operations);
  expect([...names].sort()).toEqual(operations.filter((name) => name in VERB_OF).sort());
}

test('verbs send what drbdsetup of 8.4 sent to a genuine kernel', () => {
  expectAll('genl1', ['drbd-8.4.11']);
});

test('verbs send what drbdsetup of 9 sent to genuine kernels', () => {
  expectAll(
    'genl2',
    CAPTURE_FOLDERS.filter((name) => name.startsWith('drbd-9')),
  );
});

const VERB_OF_PACKET: Readonly<Record<string, VerbName>> = {
  primary: 'promote',
  secondary: 'demote',
  disk_conf: 'attach',
  detach: 'detach',
  net_conf: 'connect',
  disconnect: 'disconnect',
  resize: 'resize',
  syncer_conf: 'setOptions',
  invalidate: 'invalidate',
  invalidate_peer: 'invalidate',
  pause_sync: 'pauseSync',
  resume_sync: 'resumeSync',
  suspend_io: 'suspendIo',
  resume_io: 'resumeIo',
  outdate: 'outdate',
  start_ov: 'verify',
  new_c_uuid: 'newCurrentUuid',
};

test('verbs send what drbdsetup of 8.3 sent to a genuine kernel, and the create flag', () => {
  const names = new Set<string>();
  const seen = new Set<string>();
  for (const { where, sent, bytes, raw: isHandMade, command } of capturedDatagrams('drbd-8.3.13')) {
    const [message] = sent && !isHandMade ? decodeDatagram(bytes, ORDER).messages : [];
    if (message === undefined) continue;
    const { name, params } = connector.decodeRequest(connector.decodeRaw(message, ORDER), ORDER);
    const verb = VERB_OF_PACKET[name];
    const { minor, tags, setDefaults } = params;
    const key = inspect([name, tags, setDefaults]);
    // A change of nothing is no request.
    if (verb === undefined || seen.has(key) || (name === 'syncer_conf' && key === inspect([name, {}, undefined])))
      continue;
    seen.add(key);
    const options: Record<string, unknown> = {};
    for (const [field, value] of Object.entries(tags)) {
      const option = verbOptions('connector', verb).find((row) => row.request === name && row.field === field);
      if (option !== undefined) options[option.name] = option.negated ? value !== true : value;
    }
    if (name === 'invalidate_peer') options['side'] = 'peer';
    if (name === 'syncer_conf' && setDefaults === true) options['setDefaults'] = ['device'];
    // A later attach or connect has all of its options anyway.
    if (name !== 'syncer_conf' && setDefaults === true) continue;
    const snapshot = {
      schemaVersion: 2,
      source: { dialect: 'connector', driver: null, api: null, complete: true },
      unconfiguredMinors: null,
      resources: [],
    } as Snapshot;
    const requests = plan(verb, { minor }, options, snapshot);
    const body = (planned: unknown): string => inspect(planned, { depth: 4, sorted: false });
    const { tags: planned = {} } = (requests[0]?.params ?? {}) as { readonly tags?: Readonly<Record<string, unknown>> };
    expect([where, command, requests[0]?.name, requests[0]?.params['createDevice'], body(planned)]).toEqual([
      where,
      command,
      name,
      name === 'disk_conf' || name === 'net_conf' ? true : undefined,
      body(tags),
    ]);
    names.add(name);
  }
  expect([...names].sort()).toEqual(Object.keys(VERB_OF_PACKET).sort());
});
