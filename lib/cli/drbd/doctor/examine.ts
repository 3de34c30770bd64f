import { delimiter, join } from 'node:path';
import { CN_IDX_DRBD, CN_IDX_STEP } from '../../../dialects/connector';
import type { Family } from '../../../dialects/generic';
import { dialectOfApi, EVENT_BUFFER_BYTES, parseProcDrbd, type Dialect, type ProcDrbd } from '../../../drbd';
import { DrbdError } from '../../../errors';
import { DRBD_MAJOR, LOCK_DIRECTORY, RUN_LOCK_DIRECTORY } from '../../backend';
import { generationNames } from '../../drbdsetup/text/other-generations';
import { MARK, USUAL_DIRECTORIES } from '../replace-drbdsetup';
import { finding, type Found } from './finding';
import { isAbsent, isUnknown, trimmed, type DoctorHost, type Unknown } from './host';
import { usersOf } from './users';

/** What is looked at of every host, in the order in which it is told. */
export const CHECKS = [
  'addon',
  'module',
  'helper',
  'stuck',
  'family',
  'connector',
  'capabilities',
  'namespaces',
  'locks',
  'buffers',
  'programs',
] as const;
export type Check = (typeof CHECKS)[number] | 'device';

/** One thing that was looked at. */
export interface HostFinding extends Found {
  readonly check: Check;
}

/** What the caller says of the look. */
export interface DoctorOptions {
  readonly path: string | undefined;
  readonly lockDirectory: string | undefined;
  /** Whose users are looked for; none if absent. */
  readonly minor?: number | undefined;
}

const PROC_DRBD = '/proc/drbd';
const MODULE = '/sys/module/drbd';
const PARAMETERS = `${MODULE}/parameters`;
const CONNECTOR = '/proc/net/connector';
const RMEM_MAX = '/proc/sys/net/core/rmem_max';
const TOOL_DIRECTORIES = ['/lib/drbd', '/usr/lib/drbd'];
const TOOLS = ['drbdsetup', 'drbdadm', 'drbdmeta'];
const NET_ADMIN = 12n;
const SYS_ADMIN = 21n;
/** The uid_map of the first user namespace: all numbers stand for themselves. */
const WHOLE_MAP = /^\s*0\s+0\s+4294967295\s*$/u;

/** What the checks need of each other. */
interface Seen {
  readonly host: DoctorHost;
  readonly options: DoctorOptions;
  readonly proc: string | Unknown;
  readonly parsed: ProcDrbd | undefined;
  /** Whether the module is in the kernel; undefined where that cannot be told. */
  readonly isLoaded: boolean | undefined;
  readonly stuck: readonly string[];
  readonly addonFailure: string | undefined;
  readonly family: Pick<Family, 'version' | 'id'> | undefined | Unknown;
  /** Of the driver, such as 8.4.11; undefined where nothing tells. */
  readonly release: string | undefined;
  /** Undefined where no driver tells. */
  readonly dialect: Dialect | undefined;
  /** Undefined where /proc/self/status does not tell. */
  readonly capabilities: bigint | undefined;
  /** Whether capabilities are those of the first user namespace, the only ones that the kernel looks at. */
  readonly isFirstUserNamespace: boolean | undefined;
}

/**
 * Looks at a host. Nothing is changed, and no process is started.
 * @returns what it found, in the order of {@link CHECKS}; at least one for each
 */
export async function examine(host: DoctorHost, options: DoctorOptions): Promise<readonly HostFinding[]> {
  const proc = host.read(PROC_DRBD);
  const parsed = isUnknown(proc) ? undefined : parsedOrNot(proc);
  const module = host.list(MODULE);
  const isLoaded =
    !isUnknown(proc) || !isUnknown(module) ? true : isAbsent(proc) && isAbsent(module) ? false : undefined;
  const release = parsed?.version ?? trimmed(host.read(`${MODULE}/version`));
  const addonFailure = host.addonFailure();
  const waiting = stuckProcesses(host);
  // Every request waits for a moment, such as for a disk.
  if (waiting.length > 0) await host.pause();
  const stuck = waiting.length === 0 ? [] : stuckProcesses(host).filter((each) => waiting.includes(each));
  const family: Seen['family'] =
    addonFailure !== undefined
      ? { error: 'the native part does not load' }
      : stuck.length > 0
        ? { error: 'the question could get stuck behind them' }
        : await host.family();
  const status = trimmed(host.read('/proc/self/status'));
  const effective = status === undefined ? undefined : /^CapEff:\s*([0-9a-f]+)$/mu.exec(status)?.[1];
  const map = host.read('/proc/self/uid_map');
  const seen: Seen = {
    host,
    options,
    proc,
    parsed,
    isLoaded,
    stuck,
    addonFailure,
    family,
    dialect: dialectOf(family, parsed, release),
    release,
    capabilities: effective === undefined ? undefined : BigInt(`0x${effective}`),
    // A kernel without user namespaces has no such file, and one user namespace.
    isFirstUserNamespace: isUnknown(map)
      ? isAbsent(map) && status !== undefined
        ? true
        : undefined
      : WHOLE_MAP.test(map),
  };
  const { minor } = options;
  const users =
    minor === undefined ? [] : usersOf(host, minor).map((found) => ({ check: 'device' as const, ...found }));
  return [...CHECKS.flatMap((check) => checks[check](seen).map((found) => ({ check, ...found }))), ...users];
}

function parsedOrNot(text: string): ProcDrbd | undefined {
  try {
    return parseProcDrbd(text);
  } catch (error) {
    if (error instanceof DrbdError) return undefined;
    throw error;
  }
}

/** The dialect of the first place that tells: the family, /proc/drbd, the release in sysfs. */
function dialectOf(
  family: Seen['family'],
  parsed: ProcDrbd | undefined,
  release: string | undefined,
): Dialect | undefined {
  if (family !== undefined && !isUnknown(family)) return dialectOfApi(family.version);
  if (parsed !== undefined) return dialectOfApi(parsed.api);
  const [, major, minor] = /^(\d+)\.(\d+)/u.exec(release ?? '') ?? [];
  if (major === '8') return Number(minor) < 4 ? 'connector' : 'genl1';
  return major === '9' ? 'genl2' : undefined;
}

/** Processes that wait inside DRBD or generic netlink and cannot be killed: whoever asks next may wait behind them. */
function stuckProcesses(host: DoctorHost): readonly string[] {
  const all = host.list('/proc');
  if (isUnknown(all)) return [];
  return all.flatMap((pid) => {
    if (!/^\d+$/u.test(pid)) return [];
    const stat = host.read(`/proc/${pid}/stat`);
    const [, name = '', state] = isUnknown(stat) ? [] : (/^\d+ \(([\s\S]*)\) (\S)/u.exec(stat) ?? []);
    if (state !== 'D') return [];
    const place = host.read(`/proc/${pid}/wchan`);
    const isInside = !isUnknown(place) && /drbd|genl|netlink/u.test(place);
    return isInside || /^(?:node-)?drbdsetup/u.test(name) ? [`${name} (${pid})`] : [];
  });
}

const checks: Readonly<Record<(typeof CHECKS)[number], (seen: Seen) => readonly Found[]>> = {
  addon: ({ addonFailure }) => {
    if (addonFailure === undefined) return [finding('ok', 'the native part of node-drbd loads', null, { loads: true })];
    const [, what = addonFailure, next = 'Install node-drbd again'] =
      /^([\s\S]*?)\. ([A-Z][\s\S]*)$/u.exec(addonFailure) ?? [];
    return [finding('problem', what, sentence(next), { loads: false })];
  },

  module: ({ proc, parsed, release, isLoaded, host }) => {
    const facts = {
      loaded: isLoaded ?? null,
      version: release ?? null,
      api: parsed?.api ?? null,
    };
    if (parsed !== undefined)
      return [finding('ok', `DRBD ${parsed.version}, api ${parsed.api} (${PROC_DRBD})`, null, facts)];
    if (!isUnknown(proc)) return [finding('problem', `${PROC_DRBD} cannot be understood`, 'Update node-drbd.', facts)];
    if (isLoaded === true)
      return [
        finding(
          isAbsent(proc) ? 'problem' : 'note',
          `the module is loaded${facts.version === null ? '' : ` (DRBD ${facts.version})`}, but ${PROC_DRBD} cannot be read: ${proc.error}`,
          isAbsent(proc)
            ? 'Run it on the host, or mount the procfs of the host here.'
            : 'Run it as root, or outside of the sandbox that hides the file.',
          facts,
        ),
      ];
    if (isLoaded === undefined)
      return [
        finding(
          'note',
          `cannot determine whether a DRBD driver is loaded: ${PROC_DRBD}: ${proc.error}`,
          'Mount procfs and sysfs, or run it outside of the sandbox that hides them.',
          facts,
        ),
      ];
    const kernel = trimmed(host.read('/proc/sys/kernel/osrelease'));
    const index = kernel === undefined ? undefined : host.read(`/lib/modules/${kernel}/modules.dep`);
    const isInstalled = index === undefined || isUnknown(index) ? null : /(?:^|\/)drbd\.ko(?:\.\w+)?:/mu.test(index);
    return [
      finding(
        'problem',
        `no DRBD driver is loaded${isInstalled === false ? `, and none is installed for kernel ${kernel ?? ''}` : ''}`,
        isInstalled === false
          ? 'Install the module drbd for this kernel, then load it as root: modprobe drbd.'
          : 'Load it as root: modprobe drbd.',
        { ...facts, installed: isInstalled },
      ),
    ];
  },

  helper: ({ host, isLoaded }) => {
    const text = host.read(`${PARAMETERS}/usermode_helper`);
    const path = trimmed(text) ?? null;
    if (path === null) {
      if (isLoaded === false) return [finding('ok', 'no module, so no usermode helper', null, { path })];
      const error = isUnknown(text) ? text.error : '';
      return [
        finding(
          'note',
          `cannot look at usermode_helper of the module: ${error}`,
          'Look at /sys/module/drbd/parameters/usermode_helper on the host.',
          { path },
        ),
      ];
    }
    if (path === 'disabled' || path === '')
      return [
        finding(
          'note',
          'usermode_helper is disabled: the kernel calls no handlers (fence-peer, before-resync-target, …)',
          'Leave it in containers; elsewhere, set it to drbdadm if handlers or fencing are configured.',
          { path },
        ),
      ];
    if (host.isProgram(path)) return [finding('ok', `the kernel calls ${path} for handlers`, null, { path })];
    return [
      finding(
        'problem',
        `the kernel calls ${path} for handlers, and it is not a program here: a fence-peer or before-resync handler fails`,
        'Install drbd-utils on the host, or write "disabled" to /sys/module/drbd/parameters/usermode_helper.',
        { path },
      ),
    ];
  },

  stuck: ({ stuck, host }) => {
    if (stuck.length > 0)
      return [
        finding(
          'problem',
          `stuck in the kernel: ${stuck.join(', ')}`,
          'See what they wait for in /proc/PID/stack and the kernel log; if they stay, only a reboot ends them.',
          { processes: stuck },
        ),
      ];
    const all = host.list('/proc');
    return isUnknown(all)
      ? [finding('note', `cannot look for stuck requests: /proc: ${all.error}`, 'Mount procfs.', { processes: null })]
      : [finding('ok', 'no request is seen stuck in the kernel', null, { processes: [] })];
  },

  family: ({ family, dialect, release, isLoaded }) => {
    if (isUnknown(family))
      return [
        finding(
          'note',
          `generic netlink was not asked for the family drbd: ${family.error}`,
          'Mend what stands above, or run it as root outside of a sandbox, and look again.',
          { id: null, version: null },
        ),
      ];
    if (family !== undefined) {
      const { id, version } = family;
      const isKnown = version === 1 || version === 2;
      return [
        isKnown
          ? finding('ok', `family drbd, version ${version} (DRBD ${version === 1 ? '8.4' : '9'}), number ${id}`, null, {
              id,
              version,
            })
          : finding(
              'problem',
              `family drbd has version ${version}, which this release does not know`,
              'Update node-drbd.',
              {
                id,
                version,
              },
            ),
      ];
    }
    const facts = { id: null, version: null };
    if (isLoaded === false) return [finding('ok', 'no family drbd, as no module is loaded', null, facts)];
    if (dialect === 'connector') return [finding('ok', 'no family drbd, as with every DRBD 8.3', null, facts)];
    if (dialect !== undefined)
      return [
        finding(
          'problem',
          `DRBD ${release ?? ''} is loaded, but generic netlink has no family drbd here: this is another network namespace`,
          'Run it in the network namespace of the host (nsenter --net=/proc/1/ns/net, or hostNetwork of a container).',
          facts,
        ),
      ];
    return [
      finding(
        'note',
        'no family drbd: no driver, one of DRBD 8.3, or another network namespace',
        'Run it in the network namespace of the host, where /proc/drbd can be read.',
        facts,
      ),
    ];
  },

  connector: ({ host, dialect }) => {
    const table = host.read(CONNECTOR);
    const told = Number(trimmed(host.read(`${PARAMETERS}/cn_idx`)) ?? Number.NaN);
    const listed = isUnknown(table) ? undefined : /^\S*drbd\S*\s+(\d+):\d+/mu.exec(table)?.[1];
    const index = Number.isInteger(told) && told > 0 ? told : listed === undefined ? null : Number(listed);
    const shifted = index === null ? null : index % CN_IDX_STEP;
    const facts = { builtIn: isUnknown(table) ? (isAbsent(table) ? false : null) : true, index, group: shifted };
    if (dialect === 'connector') {
      if (isAbsent(table))
        return [
          finding(
            'problem',
            `DRBD 8.3 answers over the netlink connector, which does not exist here (${CONNECTOR})`,
            'Run it in the network namespace of the host; the connector exists in no other.',
            facts,
          ),
        ];
      if (isUnknown(table))
        return [finding('note', `cannot look at ${CONNECTOR}: ${table.error}`, 'Run it as root.', facts)];
      return index === null
        ? [
            finding(
              'note',
              `the connector is there; the module does not tell its index, so ${CN_IDX_DRBD.join(', ')} are tried`,
              null,
              facts,
            ),
          ]
        : [
            finding(
              'ok',
              `the connector is there; DRBD has index ${index} and answers in group ${shifted ?? 0}${(CN_IDX_DRBD as readonly number[]).includes(shifted ?? 0) ? '' : ` or one of ${CN_IDX_DRBD.join(', ')}`}`,
              null,
              facts,
            ),
          ];
    }
    const reason = dialect === undefined ? 'only DRBD 8.3 needs it' : `${generationNames[dialect]} does not need it`;
    if (isUnknown(table) && !isAbsent(table))
      return [finding('note', `cannot look at ${CONNECTOR}: ${table.error}; ${reason}`, null, facts)];
    return [
      finding('ok', `the netlink connector is ${isAbsent(table) ? 'not here' : 'built in'}; ${reason}`, null, facts),
    ];
  },

  capabilities: ({ capabilities, isFirstUserNamespace, dialect }) => {
    if (capabilities === undefined)
      return [
        finding('note', 'cannot look at the capabilities of this process: /proc/self/status', 'Mount procfs.', {
          netAdmin: null,
          sysAdmin: null,
        }),
      ];
    const has = (bit: bigint): boolean => (capabilities >> bit) % 2n === 1n && isFirstUserNamespace !== false;
    const facts = { netAdmin: has(NET_ADMIN), sysAdmin: has(SYS_ADMIN) };
    const lacking = [
      ...(facts.netAdmin ? [] : ['CAP_NET_ADMIN']),
      ...(facts.sysAdmin || dialect === 'genl1' || dialect === 'genl2' ? [] : ['CAP_SYS_ADMIN']),
    ];
    if (lacking.length === 0) return [finding('ok', 'this process may read and change everything', null, facts)];
    const where = isFirstUserNamespace === false ? ' in the first user namespace' : '';
    const remedy = `Run it as root${isFirstUserNamespace === false ? ' of the host' : `, or give it ${lacking.join(' and ')}`}.`;
    if (dialect === 'connector')
      return [
        finding('problem', `no ${lacking.join(' and no ')}${where}: DRBD 8.3 answers nothing without`, remedy, facts),
      ];
    return [
      finding(
        'note',
        `no ${lacking.join(' and no ')}${where}: DRBD 8.4 and 9 can be read but not changed${dialect === undefined ? ', 8.3 not even read' : ''}`,
        remedy,
        facts,
      ),
    ];
  },

  namespaces: ({ host, isFirstUserNamespace }) => {
    const own = trimmed(host.link('/proc/self/ns/net'));
    const first = host.link('/proc/1/ns/net');
    // Only the first network namespace has the connector's file.
    const isFirst = !isUnknown(host.read(CONNECTOR))
      ? true
      : own === undefined || isUnknown(first)
        ? null
        : own === first.trim();
    const facts = { network: isFirst, user: isFirstUserNamespace ?? null };
    const user =
      isFirstUserNamespace === false
        ? [
            finding(
              'note',
              'this is a user namespace of its own: capabilities here do not count for DRBD',
              'Run it as root of the host to change anything.',
              facts,
            ),
          ]
        : [];
    if (isFirst === null)
      return [
        ...user,
        finding(
          'note',
          `cannot compare the network namespace with that of process 1: ${isUnknown(first) ? first.error : 'no /proc/self/ns/net'}`,
          'Run it as root (with CAP_SYS_PTRACE) to know.',
          facts,
        ),
      ];
    if (!isFirst)
      return [
        ...user,
        finding(
          'note',
          'the network namespace is not that of process 1; DRBD is reached in the first one only',
          'Run it in the network namespace of the host if DRBD is not reached.',
          facts,
        ),
      ];
    return user.length > 0 ? user : [finding('ok', 'the network namespace is the first one', null, facts)];
  },

  locks: ({ host, options }) => {
    const directories =
      options.lockDirectory !== undefined
        ? [options.lockDirectory]
        : [LOCK_DIRECTORY, ...(isAbsent(host.kind(RUN_LOCK_DIRECTORY)) ? [] : [RUN_LOCK_DIRECTORY])];
    return directories.map((directory) => lockFinding(host, directory));
  },

  buffers: ({ host, capabilities, isFirstUserNamespace }) => {
    const text = host.read(RMEM_MAX);
    const limit = Number(trimmed(text) ?? Number.NaN);
    const facts = { rmemMax: Number.isInteger(limit) ? limit : null, wanted: EVENT_BUFFER_BYTES };
    if (facts.rmemMax === null)
      return [
        finding(
          'note',
          `cannot look at net.core.rmem_max${isUnknown(text) ? `: ${text.error}` : ''}`,
          'Look at it on the host; older kernels show it in no other network namespace.',
          facts,
        ),
      ];
    if (limit >= EVENT_BUFFER_BYTES)
      return [
        finding('ok', `net.core.rmem_max is ${limit}: streams get their ${EVENT_BUFFER_BYTES} bytes`, null, facts),
      ];
    const mayForce = isFirstUserNamespace !== false && ((capabilities ?? 0n) >> NET_ADMIN) % 2n === 1n;
    return [
      mayForce
        ? finding('ok', `net.core.rmem_max is ${limit}; CAP_NET_ADMIN lets streams have more`, null, facts)
        : finding(
            'note',
            `net.core.rmem_max is ${limit}: buffers of streams are cut to that, and a burst may be lost (and read anew)`,
            `Raise it as root (sysctl -w net.core.rmem_max=${EVENT_BUFFER_BYTES}), or give this program CAP_NET_ADMIN.`,
            facts,
          ),
    ];
  },

  programs: ({ host, options }) => {
    const search = [...new Set([...(options.path ?? '').split(delimiter).filter(Boolean), ...USUAL_DIRECTORIES])];
    const found = TOOLS.map((tool) =>
      search.map((directory) => join(directory, tool)).find((path) => host.isProgram(path)),
    );
    // Where /lib is a link, its programs would be told twice.
    const isMerged = !isUnknown(host.link('/lib'));
    const beside = (isMerged ? TOOL_DIRECTORIES.slice(0, 1) : TOOL_DIRECTORIES)
      .flatMap((directory) => {
        const names = host.list(directory);
        return isUnknown(names)
          ? []
          : names
              .filter((name) => name.startsWith('drbd'))
              .map((name) => join(directory, name))
              .filter((path) => host.isProgram(path));
      })
      .sort();
    const [setup, adm, meta] = found;
    const facts = { drbdsetup: setup ?? null, drbdadm: adm ?? null, drbdmeta: meta ?? null, beside };
    const present = [...found.filter((path) => path !== undefined), ...beside];
    const setupText = setup === undefined ? undefined : host.read(setup);
    const isOurs = setupText !== undefined && !isUnknown(setupText) && setupText.split('\n', 2)[1] === MARK;
    const missing = TOOLS.filter((_tool, at) => found[at] === undefined);
    const text = `${present.length === 0 ? 'no program of drbd-utils' : present.join(', ')}${isOurs ? ' (drbdsetup is that of node-drbd)' : ''}`;
    if (missing.length === 0) return [finding('ok', text, null, facts)];
    return [
      finding(
        'note',
        `${text}${present.length === 0 ? '' : `; no ${missing.join(', ')}`}`,
        `Install drbd-utils if you need ${missing.join(', ')}${missing.includes('drbdmeta') ? ' (only drbdmeta writes metadata)' : ''}.`,
        facts,
      ),
    ];
  },
};

function lockFinding(host: DoctorHost, directory: string): Found {
  const kind = host.kind(directory);
  const facts = { directory, writable: null, foreign: null };
  if (isAbsent(kind))
    return finding(
      'problem',
      `${directory}, where the lock files are, does not exist`,
      `Make it as root: mkdir -p ${directory}.`,
      facts,
    );
  if (isUnknown(kind)) return finding('note', `cannot look at ${directory}: ${kind.error}`, 'Run it as root.', facts);
  if (kind !== 'directory')
    return finding(
      'problem',
      `${directory}, where the lock files are, is not a directory`,
      'Put a directory in its place.',
      facts,
    );
  const names = host.list(directory);
  const files = isUnknown(names)
    ? null
    : names.filter((name) => name.startsWith(`drbd-${DRBD_MAJOR}-`)).map((name) => join(directory, name));
  const foreign = files === null ? null : files.filter((path) => host.kind(path) !== 'file');
  const writable = host.mayWrite(directory) && (files ?? []).every((path) => host.mayWrite(path));
  const known = { directory, writable, foreign };
  if (foreign !== null && foreign.length > 0)
    return finding(
      'problem',
      `not regular files, so no lock can be taken: ${foreign.join(', ')}`,
      'Find out who made them, and remove them.',
      known,
    );
  if (!writable)
    return finding(
      'note',
      `${directory} or a lock file in it is not writable for this process: commands that lock a minor fail`,
      'Run those as root, or name another directory with --lock-dir on all sides.',
      known,
    );
  return foreign === null
    ? finding('note', `${directory} is writable, but its files cannot be listed`, 'Run it as root.', known)
    : finding('ok', `${directory} is writable, and its lock files are regular files`, null, known);
}

const sentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`);
