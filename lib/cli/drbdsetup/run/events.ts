import { returnCodes, stateChangeCodes } from '../../../dialects/connector';
import type { Client, ConnectorClient, Genl1Client } from '../../../drbd';
import { KernelError, UnsupportedError } from '../../../errors';
import { codeName } from '../../../schema';
import { byteOrderOf } from '../../backend';
import { procDrbdOf, tell, waitOptions, type Context } from '../../context';
import type { Call, Target } from '../../line/call';
import { event83ToJson, formatEvent83, type Message83 } from '../text/events-83';
import { event84ToJson, formatEvent84, type Message84 } from '../text/events-84';
import { packetNumber } from '../v83';
import { follow } from './follow';
import { minorOfCall, statusOf } from './minors';
import { notOf, printJson } from './print';

/** `events` of DRBD 8: the states, then what the kernel broadcasts; after a loss, the states again. */
export async function runEvents(client: Client, call: Call, context: Context): Promise<number> {
  switch (client.dialect) {
    case 'connector':
      return events83(client, call, context);
    case 'genl1':
      return events84(client, call.plain.has('all-devices') ? { kind: 'all' } : call.target, context);
    case 'genl2':
      return notOf(client, 'events');
  }
}

/** `-a` asks for so many minors, and for those beyond that /proc/drbd tells of. */
const ALL_MINORS = 256;

function allMinors(context: Context): readonly number[] {
  const devices = procDrbdOf(context.backend)?.devices ?? [];
  const beyond = devices.map(({ minor }) => minor).filter((minor) => minor >= ALL_MINORS);
  return [...Array.from({ length: ALL_MINORS }, (_unused, minor) => minor), ...beyond];
}

const LARGEST_STATE_CHANGE_CODE = 100;

/** @returns the symbolic name of a return code or state-change code, or `unknown(N)` */
function nameOfCode(returnCode: number): string {
  return codeName(returnCode > LARGEST_STATE_CHANGE_CODE ? returnCodes : stateChangeCodes, returnCode);
}

async function events83(client: ConnectorClient, call: Call, context: Context): Promise<number> {
  const minor = minorOfCall(call);
  const unfiltered = call.plain.has('unfiltered');
  const all = call.plain.has('all-devices');
  const signal = context.io.endSignal();
  const order = byteOrderOf(context.backend);
  // Opened before anything is read, so that nothing falls between.
  const stream = client.broadcasts({ signal, unfiltered, inOrder: !unfiltered });
  const print = (told: Omit<Message83, 'returnName' | 'packet'>): void => {
    const message = { ...told, returnName: nameOfCode(told.returnCode), packet: packetNumber(told.name) };
    if (context.globals.json) printJson(event83ToJson(message, order), context);
    else context.io.stdout.write(formatEvent83(message, order, (problem) => tell(problem, context)));
  };
  const questions = new Questions(client, context, signal);
  const minors = all ? allMinors(context) : [minor];
  const read = async (): Promise<void> => {
    const answers = await questions.ask(minors);
    // In an unfiltered stream the answers come by themselves, in their place.
    if (!unfiltered) answers.forEach(print);
  };
  return follow(stream, 'kind', context, {
    read,
    reread: read,
    take: (event) => {
      if (all || event.minor === minor)
        print({ ...event, number: event.origin === 'own' ? questions.numberOf(event.minor) : event.sequence });
    },
  });
}

/** The tool's own questions, numbered from 1 in the order in which they are asked. */
class Questions {
  readonly #client: ConnectorClient;
  readonly #context: Context;
  readonly #signal: AbortSignal;
  readonly #numbers = new Map<number, number>();
  #asked = 0;

  constructor(client: ConnectorClient, context: Context, signal: AbortSignal) {
    this.#client = client;
    this.#context = context;
    this.#signal = signal;
  }

  /** @returns the number of the last question about a minor */
  numberOf(minor: number): number {
    return this.#numbers.get(minor) ?? 0;
  }

  /** Asks for the states. What the kernel refuses is an answer too. */
  async ask(minors: readonly number[]): Promise<readonly Omit<Message83, 'returnName' | 'packet'>[]> {
    const wait = waitOptions(this.#context, this.#signal);
    return Promise.all(
      minors.map(async (minor) => {
        const number = ++this.#asked;
        this.#numbers.set(minor, number);
        try {
          const { returnCode, tags } = await this.#client.request('get_state', { minor }, wait);
          return { name: 'get_state', minor, returnCode, tags: { ...tags }, number };
        } catch (error) {
          if (!(error instanceof KernelError)) throw error;
          return { name: 'return_code_only', minor, returnCode: error.returnCode, tags: {}, number };
        }
      }),
    );
  }
}

async function events84(client: Genl1Client, target: Target, context: Context): Promise<number> {
  const signal = context.io.endSignal();
  let asked = 0;
  const order = byteOrderOf(context.backend);
  const print = (message: Message84): void => {
    if (context.globals.json) printJson(event84ToJson(message, order), context);
    else context.io.stdout.write(formatEvent84(message, order));
  };
  const wanted = (minor: number | undefined, resource: string | undefined): boolean =>
    target.kind === 'minor' ? target.minor === minor : target.kind !== 'resource' || target.name === resource;
  const read = async (): Promise<void> => {
    asked++;
    const replies = await statusOf(client, target, context, signal);
    // A stream waits for what does not exist yet, as the C tool's does; but not in silence.
    if (replies.length === 0 && target.kind !== 'all')
      tell(`there is no such ${target.kind}; events tells of it only once it is created`, context);
    for (const { minor, infoText, ...sets } of replies) print({ minor, sequence: asked, sets, infoText });
  };
  return follow(client.broadcasts({ signal }), 'kind', context, {
    read,
    reread: async () => {
      try {
        await read();
      } catch (error) {
        // Where the module is gone, so is all that there was.
        if (!(error instanceof UnsupportedError)) throw error;
      }
    },
    take: ({ minor, sequence, sets }) => {
      const known = sets as Message84['sets'];
      if (known.context === undefined || wanted(minor, known.context.ctx_resource_name))
        print({ minor, sequence, sets: known });
    },
  });
}
