import { connectionStates, decodeRaw, decodeReply, stateWords } from '../../lib/dialects/connector';
import { noticeOfConnector, State, type Update } from '../../lib/model';
import { decodeDatagram } from '../../lib/netlink';
import { captureLines } from '../support/captures';

const ORDER = 'little';
const CONTEXT = { driver: { version: '8.3.13', api: 88 }, order: ORDER } as const;
const EMPTY = State.empty({ dialect: 'connector', driver: '8.3.13', api: 88, complete: true });

interface Command {
  readonly id: string;
  readonly argv: readonly string[];
  readonly stdout: string;
  readonly netlink?: readonly { readonly op: string | null; readonly hex?: string }[];
}

const apply = (state: State, updates: readonly Update[]): State =>
  updates.reduce((now, update) => now.apply(update).state, state);

/** The kernel's word of a packed connection state. */
function connectionWord(code: number | null): string {
  const [symbol] = Object.entries(connectionStates).find(([, number]) => number === code) ?? [];
  const words: Readonly<Record<string, string>> = stateWords.conn;
  return words[symbol ?? ''] ?? `${code}`;
}

/** A minor as a line of `events` has it, from the model. */
function printed(state: State, minor: number): string {
  const key = { minor };
  const volume = { minor, volume: 0 };
  const connection = state.get('connection', key);
  const peer = state.get('peerDevice', volume);
  const suspended = Object.values(state.get('resource', key)?.suspended ?? {}).some((reason) => reason === true);
  const held = peer?.resyncSuspended;
  return [
    `cs:${connectionWord(connection?.stateCode ?? null)}`,
    `ro:${state.get('resource', key)?.role}/${connection?.role}`,
    `ds:${state.get('device', volume)?.disk}/${peer?.peerDisk}`,
    [
      suspended ? 's' : 'r',
      held?.dependency === true ? 'a' : '-',
      held?.peer === true ? 'p' : '-',
      held?.user === true ? 'u' : '-',
    ].join(''),
  ].join(' ');
}

describe('notices of the connector dialect', () => {
  test('the fold of the recorded broadcasts says what each line of `events` said', () => {
    let states = 0;
    let helpers = 0;
    for (const { command } of captureLines<Command>('drbd-8.3.13/05-pair.jsonl')) {
      // With -u the answers to other programs are printed too.
      if (!command.argv.includes('events') || command.argv.includes('-u')) continue;
      const lines = command.stdout.split('\n');
      let state = EMPTY;
      for (const { op, hex } of command.netlink ?? []) {
        if (op !== 'recvfrom' || hex === undefined) continue;
        for (const message of decodeDatagram(new Uint8Array(Buffer.from(hex, 'hex')), ORDER).messages) {
          const raw = decodeRaw(message, ORDER);
          // An answer has an acknowledgement.
          if (raw.connector.ack !== 0) continue;
          const { name, minor, tags } = decodeReply(raw, ORDER);
          const notice = noticeOfConnector({ name, minor, tags }, CONTEXT);
          if (notice === undefined) continue;
          expect(notice.minor).toBe(minor);
          state = apply(state, notice.updates);
          const { sequence } = raw.connector;
          const line = lines.find((text) => new RegExp(`^${sequence} (?:ST|UH) ${minor} `, 'u').test(text));
          if (line === undefined) continue;
          if (notice.helper !== undefined) {
            expect(line).toBe(`${sequence} UH ${minor} ${notice.helper.name}`);
            helpers++;
            continue;
          }
          const shown = /\{ (.*) \}/u.exec(line)?.[1];
          if (shown === undefined || name !== 'get_state') continue;
          if (notice.unconfigured === true)
            expect(shown).toMatch(/^cs:(?:Unconfigured|StandAlone ro:\w+\/Unknown ds:Diskless\/DUnknown)/u);
          else expect([command.id, line, printed(state, minor)]).toEqual([command.id, line, shown]);
          states++;
        }
      }
    }
    expect(states).toBeGreaterThan(100);
    expect(helpers).toBeGreaterThan(5);
  });

  test('a progress is a percentage, what is no progress and what is no news is nothing', () => {
    const progress = (permille: unknown): unknown =>
      noticeOfConnector({ name: 'sync_progress', minor: 3, tags: { sync_progress: permille } }, CONTEXT)?.updates;
    expect(progress(125)).toMatchObject([{ key: { minor: 3, volume: 0 }, patch: { resync: { percent: 12.5 } } }]);
    expect([progress(1001), progress(undefined), progress(-1)]).toEqual([undefined, undefined, undefined]);
    expect(noticeOfConnector({ name: 'dump_ee', minor: 3, tags: {} }, CONTEXT)).toBeUndefined();
  });
});
