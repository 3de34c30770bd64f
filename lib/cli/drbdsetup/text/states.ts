import { UNCONFIGURED } from '../../../dialects/proc-drbd';
import { hasNothing, type StateWord } from '../../../dialects/state-word';
import { codeOf, wordOf, type Dialect } from '../../../drbd';

// What DRBD 8 prints of the packed state of a minor.

/** The states of a minor, in the driver's own words. */
export interface StateText {
  readonly word: StateWord;
  /** Neither network nor disk. */
  readonly unconfigured: boolean;
  readonly connection: string;
  readonly role: string;
  readonly peer: string;
  readonly disk: string;
  readonly peerDisk: string;
}

export function stateText(word: StateWord, dialect: Dialect): StateText {
  const text = (kind: 'role' | 'disk' | 'connection', code: number): string => wordOf(dialect, kind, code) ?? '';
  return {
    word,
    unconfigured: hasNothing(word),
    connection: text('connection', word.conn),
    role: text('role', word.role),
    peer: text('role', word.peer),
    disk: text('disk', word.disk),
    peerDisk: text('disk', word.pdsk),
  };
}

/** What `role`, `cstate` and `dstate` print. */
export const stateFormats = {
  role: ({ role, peer }: StateText) => `${role}/${peer}`,
  state: (state: StateText) => stateFormats.role(state),
  cstate: ({ connection }: StateText) => connection,
  dstate: ({ disk, peerDisk }: StateText) => `${disk}/${peerDisk}`,
};

/** @param command role, cstate or dstate */
export function formatState(command: keyof typeof stateFormats, state: StateText): string {
  return `${state.unconfigured ? UNCONFIGURED : stateFormats[command](state)}\n`;
}

/** What a line of `events` has between braces. */
export function formatStates({ connection, role, peer, disk, peerDisk, word }: StateText): string {
  const { susp, aftr_isp: after, peer_isp: byPeer, user_isp: byUser } = word;
  const flags = `${susp ? 's' : 'r'}${after ? 'a' : '-'}${byPeer ? 'p' : '-'}${byUser ? 'u' : '-'}`;
  return `{ cs:${connection} ro:${role}/${peer} ds:${disk}/${peerDisk} ${flags} }`;
}

/** All states of a minor in JSON. @param percent of a resync or verify that is done */
export function stateToJson({ word, ...state }: StateText, percent: string | undefined): object {
  return {
    configured: !state.unconfigured,
    connection: state.connection,
    role: state.role,
    peerRole: state.peer,
    disk: state.disk,
    peerDisk: state.peerDisk,
    suspended: { user: word.susp, noData: word.susp_nod, fencing: word.susp_fen },
    resyncSuspended: { user: word.user_isp, peer: word.peer_isp, dependency: word.aftr_isp },
    progressPercent: percent === undefined ? null : Number(percent),
  };
}

/** @param permille tenths of a percent, as the connector tells them */
export function formatPermille(permille: number): string {
  return `${Math.trunc(permille / 10)}.${permille % 10}`;
}

/** How much of a resync is done, with one decimal, as DRBD 8 computes it: in steps, so that 64 bits suffice. */
export function formatResyncPercent(total: bigint, outOfSync: bigint, failed: bigint): string {
  const shift = total >= 1n << 32n ? 16n : 10n;
  const left = BigInt.asUintN(64, outOfSync - failed) >> shift;
  const permille = BigInt.asIntN(
    32,
    BigInt.asUintN(64, 1000n - BigInt.asUintN(64, left * 1000n) / (1n + (total >> shift))),
  );
  return `${permille / 10n}.${permille % 10n}`;
}

/** What `status` of 8.3 and `sh-status` tell of a minor; without `state` the kernel does not know it. */
export interface MinorStatus {
  readonly minor: number;
  /** Undefined where there is no name. */
  readonly resource: string | undefined;
  /** Undefined where the dialect has none. */
  readonly volume: number | undefined;
  readonly state: StateText | undefined;
  readonly percent: string | undefined;
}

/** The line of `status` of 8.3, which looks like XML. */
export function formatStatusLine({ minor, resource, state, percent }: MinorStatus): string {
  const name = resource === undefined ? '' : ` name="${resource}"`;
  if (state === undefined) return `<!-- resource minor="${minor}"${name} not available or not yet created -->\n`;
  const begin = `<resource minor="${minor}"${name}`;
  if (state.unconfigured) return `${begin} cs="${UNCONFIGURED}" />\n`;
  const { susp, aftr_isp: after, peer_isp: peer, user_isp: user } = state.word;
  return [
    `${begin} cs="${state.connection}" ro1="${state.role}" ro2="${state.peer}" ds1="${state.disk}" ds2="${state.peerDisk}"`,
    susp ? ' suspended' : '',
    after ? ' aftr_isp' : '',
    peer ? ' peer_isp' : '',
    user ? ' user_isp' : '',
    percent === undefined ? '' : ` resynced_percent="${percent}"`,
    ' />\n',
  ].join('');
}

/**
 * Backslashes before all that a shell could take for more than a letter, byte by byte. A newline cannot be escaped, and
 * ends up in quotes.
 */
function shellWord(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(/[^%+\-./0-9:=@A-Z_a-z]/gu, (byte) => (byte === '\n' ? "'\n'" : `\\${byte}`));
}

/** Named in this order; the numbers of suspension are 1 or empty. */
const SHELL_FLAGS = [
  ['susp', 'susp'],
  ['aftr_isp', 'aftr_isp'],
  ['peer_isp', 'peer_isp'],
  ['user_isp', 'user_isp'],
] as const;

/**
 * Shell assignments, and a call of the function that the caller defines.
 * @returns bytes, since a name may be of any
 */
export function formatShellStatus(
  { minor, resource, volume, state, percent }: MinorStatus,
  dialect: Dialect,
): Uint8Array {
  // In 8.3 a primary without disk and network is unconfigured too.
  const isPrimary = dialect !== 'connector' && state?.word.role === codeOf(dialect, 'role', 'Primary');
  const none = state === undefined || (state.unconfigured && !isPrimary);
  const value = (name: string, text: string): string => `_${name}=${none ? '' : text}`;
  const lines = [
    `_minor=${minor}`,
    `_res_name=${shellWord(resource ?? 'UNKNOWN')}`,
    ...(dialect === 'connector' ? [] : [`_volume=${volume ?? -1}`]),
    `_known=${state === undefined ? 'NA # not available or not yet created' : none ? UNCONFIGURED : 'Configured'}`,
    '',
    `_cstate=${none ? UNCONFIGURED : state.connection}`,
    value('role', state?.role ?? ''),
    value('peer', state?.peer ?? ''),
    value('disk', state?.disk ?? ''),
    value('pdsk', state?.peerDisk ?? ''),
    ...(none ? [] : ['']),
    ...SHELL_FLAGS.map(([name, flag]) => value(`flags_${name}`, state?.word[flag] === true ? '1' : '')),
    ...(none ? [] : ['']),
    value('resynced_percent', percent ?? ''),
    '',
    '_sh_status_process',
    '',
    '',
  ];
  return Buffer.from(`${lines.join('\n')}\n`, 'latin1');
}
