import { decodeStateWord } from '../../../dialects/state-word';
import type { ByteOrder } from '../../../netlink';
import type { StatusReply } from '../v84';
import { formatResyncPercent, formatStates, stateText, stateToJson } from './states';

// The `events` of DRBD 8.4: the driver's broadcasts, each as one line or as three.

/** Why the kernel sent a state_info (enum drbd_state_info_bcast_reason). */
export const reasons = Object.freeze({
  getStatusReply: 1,
  stateChange: 2,
  helperCall: 3,
  helperReturn: 4,
  syncProgress: 5,
});

/** A message of get_status, or a broadcast. */
export interface Message84 {
  readonly minor: number | undefined;
  /** As it stands at the begin of the line. */
  readonly sequence: number;
  readonly sets: Partial<Pick<StatusReply, 'context' | 'state_info' | 'net_conf' | 'disk_conf' | 'res_opts'>>;
  /** The kernel's own words, where it sent nothing else. */
  readonly infoText?: readonly string[];
}

/** @returns a message as one line of `events`, or as three for a change of state */
export function formatEvent84({ minor, sequence, sets, infoText }: Message84, order: ByteOrder): string {
  const { context, state_info: info } = sets;
  if (context === undefined)
    return (infoText ?? [])
      .slice(0, 1)
      .map((text) => `${sequence} # ${text.replaceAll('\n', '_')}\n`)
      .join('');
  const resource = context.ctx_resource_name ?? '';
  // A resource without volumes, and what only newer programs understand.
  if (info === undefined) return `${sequence} R - ${resource}\n`;
  const place = `${minor ?? -1},${resource}[${context.ctx_volume ?? -1}]`;
  const state = (tag: string, word: number | undefined): string => {
    // A line has no other way to say that there is none.
    const states = stateText(decodeStateWord(word ?? 0, order), 'genl1');
    return `${sequence} ${tag} ${place} ${formatStates(states)}\n`;
  };
  switch (info.sib_reason) {
    case reasons.stateChange:
      return state('ST-prev', info.prev_state) + state('ST-new', info.new_state) + state('ST', info.current_state);
    case reasons.getStatusReply:
      return state('ST', info.current_state);
    case reasons.helperCall:
      return `${sequence} UH ${place} ${info.helper ?? ''}\n`;
    case reasons.helperReturn:
      return `${sequence} UH-post ${place} ${info.helper ?? ''} 0x${(info.helper_exit_code ?? 0).toString(16).padStart(4, '0')}\n`;
    case reasons.syncProgress:
      return `${sequence} SP ${place} ${formatResyncPercent(info.bits_rs_total ?? 0n, info.bits_oos ?? 0n, info.bits_rs_failed ?? 0n)}\n`;
    default:
      return `${sequence} ?? ${place} <other message, state info broadcast reason:${info.sib_reason ?? 0}>\n`;
  }
}

/**
 * A message as JSON. `kind` is state, change, helper, progress, resource (one without volumes, and what only `events2`
 * tells in full) or other.
 */
export function event84ToJson({ minor, sequence, sets }: Message84, order: ByteOrder): object {
  const { context, state_info: info } = sets;
  const place = {
    number: sequence,
    resource: context?.ctx_resource_name ?? null,
    volume: context?.ctx_volume ?? null,
    minor: minor ?? null,
  };
  // What the kernel did not send is left out.
  const states = (word: number | undefined): object | undefined =>
    word === undefined ? undefined : stateToJson(stateText(decodeStateWord(word, order), 'genl1'), undefined);
  if (info === undefined) return { kind: context === undefined ? 'other' : 'resource', ...place };
  switch (info.sib_reason) {
    case reasons.stateChange:
      return {
        kind: 'change',
        ...place,
        ...states(info.current_state),
        before: states(info.prev_state) ?? null,
        after: states(info.new_state) ?? null,
      };
    case reasons.getStatusReply:
      return { kind: 'state', ...place, ...states(info.current_state) };
    case reasons.helperCall:
      return { kind: 'helper', ...place, helper: info.helper ?? null, status: null };
    case reasons.helperReturn:
      return { kind: 'helper', ...place, helper: info.helper ?? null, status: info.helper_exit_code ?? null };
    case reasons.syncProgress:
      return {
        kind: 'progress',
        ...place,
        progressPercent:
          info.bits_rs_total === undefined || info.bits_oos === undefined
            ? null
            : Number(formatResyncPercent(info.bits_rs_total, info.bits_oos, info.bits_rs_failed ?? 0n)),
      };
    default:
      return { kind: 'other', ...place, reason: info.sib_reason ?? null };
  }
}
