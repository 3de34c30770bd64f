import { nativeTransport, openDrbd, TimeoutError } from '../../lib';

// Runs in a kernel of its own: sends what deadlocks DRBD 8.4 for ever, and ends all the same.

const TIMEOUT_MS = 1000;

async function main(): Promise<void> {
  const drbd = await openDrbd({ dialect: 'genl1', transport: nativeTransport({ sendFromProcesses: true }) });
  const context = { ctx_resource_name: 'stuck' };
  await drbd.request('new_resource', { context });
  await drbd.request('new_minor', { minor: 7, context: { ...context, ctx_volume: 0 } });
  try {
    await drbd.request('suspend_io', { minor: 7 }, { timeoutMs: TIMEOUT_MS, forceUnsafe: true });
    console.log('answered');
  } catch (error) {
    console.log(error instanceof TimeoutError ? `${error.code} ${error.sent}` : String(error));
  }
  process.exit(0);
}

void main();
