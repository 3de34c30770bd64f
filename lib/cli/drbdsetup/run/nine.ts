import type { Genl2Client } from '../../../drbd';
import type { Context } from '../../context';
import type { Call } from '../../line/call';
import type { Vocabulary } from '../../line/vocabulary';
import {
  runCheckResize9,
  runCstate9,
  runDstate9,
  runGenerations9,
  runRole9,
  runShow9,
  runStatus9,
  runUdev9,
} from './ask-9';
import { runChange } from './change';
import { runDown9, runNewMinor9 } from './change-9';
import { runEvents9 } from './events-9';
import { notOf } from './print';
import { runWait9 } from './wait-9';

const STATES: Readonly<Record<string, typeof runRole9>> = { role: runRole9, cstate: runCstate9, dstate: runDstate9 };

/** What the commands of DRBD 9 do: it has resources, peers and paths to ask for, where DRBD 8 has minors. */
export async function run9(client: Genl2Client, call: Call, vocabulary: Vocabulary, context: Context): Promise<number> {
  const { command } = call;
  const { manner } = vocabulary;
  switch (command.action) {
    case 'change':
      return runChange(client, call, manner, context);
    case 'newMinor':
      return runNewMinor9(client, call, manner, context);
    case 'down':
      return runDown9(client, call, manner, context);
    case 'state':
      return (STATES[command.name] ?? notOf(client, command.name))(client, call, context);
    case 'generations':
      return runGenerations9(client, call, context);
    case 'show':
      return runShow9(client, call, vocabulary, context);
    case 'status':
      return runStatus9(client, call, context);
    case 'checkResize':
      return runCheckResize9(client, call, manner, context);
    case 'udev':
      return runUdev9(client, call, context);
    case 'events2':
      return runEvents9(client, call, context);
    case 'wait':
      return runWait9(client, call, context);
    case 'shStatus':
    case 'events':
      return notOf(client, command.name);
  }
}
