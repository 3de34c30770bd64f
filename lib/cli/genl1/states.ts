import { CodecError } from '../../errors';
import { connectionStates, roles } from '../../dialects/genl1';
import { UNCONFIGURED } from '../../dialects/proc-drbd';
import { decodeStateWord, hasNothing, type StateWord } from '../../dialects/state-word';
import { wordOf } from '../../drbd';
import type { ByteOrder } from '../../netlink';

/** @param word current_state of an answer. @throws CodecError where the kernel sent none */
export function readState(word: number | undefined, order: ByteOrder): StateWord {
  if (word === undefined) throw new CodecError('the answer get_status', undefined, 'state_info.current_state', 'none');
  return decodeStateWord(word, order);
}

export const roleWord = (code: number): string => wordOf('genl1', 'role', code) ?? '';
export const diskWord = (code: number): string => wordOf('genl1', 'disk', code) ?? '';
/** The word of DRBD 8, in which connection and replication are one. */
export const connectionWord = (code: number): string => wordOf('genl1', 'connection', code) ?? '';

/**
 * The word that DRBD 9 has for a connection, which `status` and `events2` print: a handshake that lasts is a connection
 * here.
 */
export function connectionWord9(code: number): string {
  if (code === connectionStates.C_WF_CONNECTION) return 'Connecting';
  return code === connectionStates.C_WF_REPORT_PARAMS ? 'Connected' : connectionWord(code);
}

/** The word that DRBD 9 has for what replication does. */
export function replicationWord9(code: number): string {
  if (code === connectionStates.C_WF_REPORT_PARAMS) return 'Off';
  return code === connectionStates.C_CONNECTED ? 'Established' : connectionWord(code);
}

/** As `role` prints it. */
export function formatRole(state: StateWord): string {
  return hasNothing(state) ? `${UNCONFIGURED}\n` : `${roleWord(state.role)}/${roleWord(state.peer)}\n`;
}

/** As `cstate` prints it. */
export function formatConnectionState(state: StateWord): string {
  return hasNothing(state) ? `${UNCONFIGURED}\n` : `${connectionWord(state.conn)}\n`;
}

/** As `dstate` prints it. */
export function formatDiskState(state: StateWord): string {
  return hasNothing(state) ? `${UNCONFIGURED}\n` : `${diskWord(state.disk)}/${diskWord(state.pdsk)}\n`;
}

/** All states of a device in JSON. */
export function stateToJson(state: StateWord): object {
  return {
    configured: !hasNothing(state),
    connection: connectionWord(state.conn),
    role: roleWord(state.role),
    peerRole: roleWord(state.peer),
    disk: diskWord(state.disk),
    peerDisk: diskWord(state.pdsk),
    suspended: { user: state.susp, noData: state.susp_nod, fencing: state.susp_fen },
    resyncSuspended: { user: state.user_isp, peer: state.peer_isp, dependency: state.aftr_isp },
  };
}

/** What is told of a device by `sh-status`; without `state` the kernel does not know it. */
export interface ShellStatus {
  readonly minor: number;
  readonly resource: string;
  readonly volume: number | undefined;
  readonly state: StateWord | undefined;
  readonly resync: ResyncBits | undefined;
}

/** Counts of bits of the bitmap. */
export interface ResyncBits {
  readonly total: bigint;
  readonly outOfSync: bigint;
  readonly failed: bigint;
}

/** How much of a resync is done, with one decimal, as DRBD 8 computes it: in steps, so that 64 bits suffice. */
export function formatResyncPercent({ total, outOfSync, failed }: ResyncBits): string {
  const shift = total >= 1n << 32n ? 16n : 10n;
  const left = BigInt.asUintN(64, outOfSync - failed) >> shift;
  const permille = BigInt.asIntN(
    32,
    BigInt.asUintN(64, 1000n - BigInt.asUintN(64, left * 1000n) / (1n + (total >> shift))),
  );
  return `${permille / 10n}.${permille % 10n}`;
}

/** The assignments that the resource agent evaluates. */
export function formatShellStatus(status: ShellStatus): string {
  const { minor, resource, volume, state, resync } = status;
  const lines = [`_minor=${minor}`, `_res_name=${shellEscape(resource)}`, `_volume=${volume ?? -1}`];
  if (state === undefined || (hasNothing(state) && state.role !== roles.R_PRIMARY)) {
    lines.push(
      `_known=${state === undefined ? 'NA # not available or not yet created' : 'Unconfigured'}`,
      '',
      '_cstate=Unconfigured',
    );
    lines.push(
      ...[
        'role',
        'peer',
        'disk',
        'pdsk',
        'flags_susp',
        'flags_aftr_isp',
        'flags_peer_isp',
        'flags_user_isp',
        'resynced_percent',
      ].map((name) => `_${name}=`),
    );
  } else {
    const flag = (name: string, set: boolean): string => `_flags_${name}=${set ? '1' : ''}`;
    lines.push('_known=Configured', '', `_cstate=${connectionWord(state.conn)}`);
    lines.push(
      `_role=${roleWord(state.role)}`,
      `_peer=${roleWord(state.peer)}`,
      `_disk=${diskWord(state.disk)}`,
      `_pdsk=${diskWord(state.pdsk)}`,
      '',
    );
    lines.push(
      flag('susp', state.susp),
      flag('aftr_isp', state.aftr_isp),
      flag('peer_isp', state.peer_isp),
      flag('user_isp', state.user_isp),
      '',
    );
    lines.push(`_resynced_percent=${resync === undefined ? '' : formatResyncPercent(resync)}`);
  }
  lines.push('', '_sh_status_process', '', '');
  return `${lines.join('\n')}\n`;
}

/** Backslashes before all that a shell could take for more than a letter. */
function shellEscape(text: string): string {
  return [...Buffer.from(text)]
    .map(
      (byte) =>
        (/[\w%+\-./:=@]/u.test(String.fromCharCode(byte)) && byte < 0x80 ? '' : '\\') + String.fromCharCode(byte),
    )
    .reduce((all, part) => all + part, '');
}
