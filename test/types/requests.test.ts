import { join } from 'node:path';
import ts from 'typescript';

/**
 * What the compiler accepts and refuses of a program that uses the package. Each line of a sample that ends in `//
 * error` must be one where the compiler reports an error, and no other line may be.
 */
const root = join(__dirname, '../../..');

function errorsOf(sample: string): {
  readonly expected: readonly number[];
  readonly found: readonly number[];
  readonly texts: readonly string[];
} {
  const name = join(root, 'test/types/sample.ts');
  const options: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    types: ['node'],
    noEmit: true,
    skipLibCheck: true,
  };
  const text = `import { openDrbd, type Client, type Snapshot } from '../../dist/lib';\n${sample}`;
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.readFile = (file) => (file === name ? text : readFile(file));
  host.fileExists = (file) => file === name || fileExists(file);
  host.getSourceFile = (file, languageVersion) =>
    file === name ? ts.createSourceFile(file, text, languageVersion) : getSourceFile(file, languageVersion);
  const program = ts.createProgram([name], options, host);
  const source = program.getSourceFile(name);
  if (source === undefined) throw new Error('no sample');
  const diagnostics = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  const line = (position: number): number => ts.getLineAndCharacterOfPosition(source, position).line;
  return {
    expected: text.split('\n').flatMap((content, index) => (content.endsWith('// error') ? [index] : [])),
    found: [...new Set(diagnostics.map(({ start }) => line(start ?? 0)))].sort((a, b) => a - b),
    texts: diagnostics.map(
      ({ start, messageText }) =>
        `${line(start ?? 0)}: ${ts.flattenDiagnosticMessageText(messageText, ' ').slice(0, 200)}`,
    ),
  };
}

function check(sample: string): void {
  const { expected, found, texts } = errorsOf(sample);
  expect({ lines: found, texts }).toEqual({ lines: expected, texts });
}

test('connector: packets, tags and their types', () => {
  check(`
async function run(c: Client<'connector'>): Promise<void> {
  await c.request('disk_conf', { minor: 0, createDevice: true, tags: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -3 } });
  await c.request('disk_conf', { minor: 0, tags: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -3, disk_size: 8n } });
  await c.request('disk_conf', { minor: 0, tags: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: '-3' } }); // error
  await c.request('disk_conf', { minor: 0, tags: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -3, disk_size: 8 } }); // error
  await c.request('disk_conf', { minor: 0, tags: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -3, diks_size: 8n } }); // error
  await c.request('disk_conf', { minor: 0, tags: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -3, timeout: 60 } }); // error
  await c.request('disk_conf', { minor: 0, tags: { backing_dev: '/dev/a', meta_dev: '/dev/a' } }); // error
  await c.request('disk_conf', { minor: 0 }); // error
  await c.request('disk_conf', { tags: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -3 } }); // error
  await c.request('disk_conf', { minor: '0', tags: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -3 } }); // error
  await c.request('primary', { minor: 0 });
  await c.request('primary', { minor: 0, tags: { primary_force: true } });
  await c.request('primary', { minor: 0, tags: { primary_force: 1 } }); // error
  await c.request('promote', { minor: 0 }); // error
  await c.request('call_helper', { minor: 0 }); // error
  const { tags } = await c.request('get_state', { minor: 0 });
  const state: number | undefined = tags.state_i;
  const text: string | undefined = tags.state_i; // error
  const config = await c.request('get_config', { minor: 0 });
  const timeout: number | undefined = config.tags.timeout;
  const address: Uint8Array | undefined = config.tags.my_addr;
  const uuids: readonly bigint[] | undefined = (await c.request('get_uuids', { minor: 0 })).tags.uuids;
  const nothing = config.tags.nosuch; // error
  void [state, text, timeout, address, uuids, nothing];
}
void run;
`);
});

test('genl1: operations, sets and their types', () => {
  check(`
async function run(g: Client<'genl1'>): Promise<void> {
  await g.request('attach', { minor: 0, setDefaults: true, disk_conf: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -3 } });
  await g.request('attach', { minor: 0, disk_conf: { backing_dev: '/dev/a', meta_dev: '/dev/a' } }); // error
  await g.request('attach', { minor: 0, disk_conf: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -3, rate: 1 } }); // error
  await g.request('attach', { disk_conf: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -3 } }); // error
  await g.request('attach', { minor: 0 }); // error
  await g.request('attach', { minor: 0, net_conf: {}, disk_conf: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -3 } }); // error
  await g.request('chg_disk_opts', { minor: 0, disk_conf: { resync_rate: 4096 } });
  await g.request('chg_disk_opts', { minor: 0, disk_conf: { resync_rate: 4096n } }); // error
  const my = { family: 'ipv4', address: '127.0.0.1', port: 7788 } as const;
  await g.request('connect', { context: { ctx_resource_name: 'r0', ctx_my_addr: my, ctx_peer_addr: my }, net_conf: { wire_protocol: 3 } });
  await g.request('connect', { minor: 0, context: { ctx_resource_name: 'r0' } }); // error
  const replies = await g.request('get_devices', { context: { ctx_resource_name: 'r0' } });
  const size: bigint | undefined = replies[0]?.device_statistics?.dev_size;
  const all = await g.request('get_resources');
  const name: string | undefined = all[0]?.context?.ctx_resource_name;
  const one = await g.request('get_status', { minor: 0 });
  const state: number | undefined = one.state_info?.current_state;
  const many = await g.request('get_status');
  const first: number | undefined = many[0]?.state_info?.current_state;
  await g.request('resource_state'); // error
  const done = await g.request('down', { context: { ctx_resource_name: 'r0' } });
  const code: number = done.returnCode;
  const wrong: string = done.returnCode; // error
  void [size, name, state, first, code, wrong];
}
void run;
`);
});

test('the union over the dialects is narrowed by the dialect', () => {
  check(`
async function run(): Promise<void> {
  await using drbd = await openDrbd();
  const snapshot: Snapshot = await drbd.status();
  await drbd.waitFor((s) => s.resources[0]?.connections[0]?.state === 'Connected', { timeoutMs: 30_000 });
  await drbd.waitFor((s) => s.resources[0]?.conections[0]?.state === 'Connected'); // error
  for await (const event of drbd.broadcasts({})) {
    if (event.kind === 'resync') break;
    const name: string = event.name;
    void name;
  }
  for await (const change of drbd.events({ queueLimit: 100, refreshMs: 1000, counters: true })) {
    if (change.kind === 'ready' || change.kind === 'helper' || change.kind === 'resync') continue;
    if (change.object === 'device' && change.after?.disk === 'UpToDate') console.log(change.key.volume);
    if (change.object === 'device' && change.after?.disk === 'UpToDat') break; // error
    void change.snapshot.resources;
  }
  await drbd.request('get_state', { minor: 0 }); // error
  if (drbd.dialect === 'genl1') await drbd.request('get_resources');
  if (drbd.dialect === 'connector') await drbd.request('get_state', { minor: 0 });
  if (drbd.dialect === 'genl2') await drbd.request('get_paths');
  if (drbd.dialect === 'genl1') await drbd.request('get_paths'); // error
  const c = await openDrbd({ dialect: 'connector' });
  await c.request('get_state', { minor: 0 });
  await openDrbd({ dialect: 'genl3' }); // error
  void snapshot;
}
void run;
`);
});
