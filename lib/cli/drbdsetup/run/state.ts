import { hasNothing } from '../../../dialects/state-word';
import type { Client } from '../../../drbd';
import { CodecError } from '../../../errors';
import { tell, type Context } from '../../context';
import { EXIT } from '../../errors';
import type { Call } from '../../line/call';
import { explainGenerations, formatGenerations, generationsToJson } from '../text/generations';
import type { stateFormats } from '../text/states';
import { formatState, stateText, stateToJson } from '../text/states';
import { minorOfCall, readMinor } from './minors';
import { print, printJson } from './print';

/** `role`, `cstate`, `dstate` of DRBD 8. */
export async function runState(client: Client, call: Call, context: Context): Promise<number> {
  const { minor, state: word, percent, unknown } = await readMinor(client, minorOfCall(call), 'state', context);
  if (word === undefined) throw new TypeError('an answer without a state is no answer');
  const state = stateText(word, client.dialect);
  const format = call.command.name as keyof typeof stateFormats;
  return print(context, formatState(format, state), () => ({ minor, ...stateToJson(state, percent) }), unknown);
}

/** How many generations the kernel keeps of each device. */
const GENERATIONS = 4;
/** MDF_AL_CLEAN: the activity log was applied when the metadata were closed. */
const ACTIVITY_LOG_CLEAN = 1 << 7;

/** `show-gi`, `get-gi` of DRBD 8. */
export async function runGenerations(client: Client, call: Call, context: Context): Promise<number> {
  const {
    minor,
    state,
    uuids: all,
    diskFlags: flags = 0,
    unknown,
  } = await readMinor(client, minorOfCall(call), 'generations', context);
  const why =
    state !== undefined && hasNothing(state)
      ? 'is unconfigured'
      : state?.disk === 0 || (state === undefined && all === undefined)
        ? 'has no disk'
        : all === undefined
          ? 'has a disk, but the kernel told no generations of it'
          : undefined;
  if (all === undefined || why !== undefined) {
    tell(`the device ${why ?? 'has no disk'}. Attach one, or read its metadata with drbdmeta`, context);
    return EXIT.nothing;
  }
  const uuids = all.slice(0, GENERATIONS);
  if (client.dialect === 'connector' && all.length !== GENERATIONS)
    throw new CodecError('the answer get_uuids', undefined, `${GENERATIONS} generations`, `${all.length}`);
  const clean = client.dialect === 'connector' ? null : (flags & ACTIVITY_LOG_CLEAN) !== 0;
  if (context.globals.json)
    return printJson({ ...generationsToJson(minor, uuids, flags), activityLogClean: clean }, context);
  const metadata = clean === null ? '' : `meta-data: ${clean ? 'clean' : 'need apply-al'}\n`;
  const text =
    call.command.name === 'show-gi'
      ? `${explainGenerations(uuids, flags)}${metadata}`
      : formatGenerations(uuids, flags);
  return print(context, text, () => undefined, unknown);
}
