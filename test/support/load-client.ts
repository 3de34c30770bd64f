import { openDrbd } from '../../lib';

/** What a client process is told, and what it says in the end. */
export interface LoadTask {
  readonly simulator: number;
  /** For each client of this process: the minors that are its own. */
  readonly clients: readonly (readonly number[])[];
  /** Requests that each client makes. */
  readonly requests: number;
}

export interface LoadResult {
  readonly answered: number;
  readonly wrong: readonly string[];
  readonly overruns: number;
  readonly unmatched: number;
  readonly replies: number;
  readonly late: number;
  readonly received: number;
}

/**
 * A client sets a rate on one of its own minors and reads it back, over and over: any other answer is somebody else's.
 */
async function client(task: LoadTask, own: readonly number[], number: number): Promise<LoadResult> {
  const drbd = await openDrbd({ dialect: 'connector', simulator: task.simulator, timeoutMs: 30_000 });
  const wrong: string[] = [];
  let answered = 0;
  try {
    for (let count = 0; answered < task.requests; count++) {
      const minor = own[count % own.length] ?? 0;
      const rate = 1 + number * 10_000 + count;
      const { returnCode, minor: of } = await drbd.request('syncer_conf', {
        minor,
        createDevice: true,
        tags: { rate },
      });
      const { tags } = await drbd.request('get_config', { minor });
      const { tags: state } = await drbd.request('get_state', { minor });
      answered += 3;
      if (returnCode !== 101 || of !== minor || tags.rate !== rate || state.state_i === undefined)
        wrong.push(`minor ${minor}: ${returnCode}, rate ${tags.rate} instead of ${rate}`);
    }
    const { overruns, unmatched, replies, late } = drbd.counters();
    return { answered, wrong, overruns, unmatched, replies, late, received: replies + unmatched + late };
  } finally {
    drbd.close();
  }
}

async function work(task: LoadTask): Promise<LoadResult> {
  const results = await Promise.all(task.clients.map((own) => client(task, own, own[0] ?? 0)));
  const sum = (pick: (result: LoadResult) => number): number =>
    results.reduce((total, result) => total + pick(result), 0);
  return {
    answered: sum((r) => r.answered),
    wrong: results.flatMap((r) => r.wrong),
    overruns: sum((r) => r.overruns),
    unmatched: sum((r) => r.unmatched),
    replies: sum((r) => r.replies),
    late: sum((r) => r.late),
    received: sum((r) => r.received),
  };
}

if (process.send !== undefined) {
  process.once('message', (task: LoadTask) => {
    void work(task).then(
      (result) => process.send?.(result, () => process.exit(0)),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
