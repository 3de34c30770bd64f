import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { bringLoopbackUp } from '../support/loopback';
import { drbdUtilities } from '../support/machine';
import { recordingsOf, recordingText, type CapturedRecording } from '../support/recordings';

/**
 * The OCF resource agent of Debian's drbd-utils 9.22, unchanged, with our drbdsetup first in its PATH, which answers
 * from what genuine DRBD 9 kernels said. Its monitor and status take all that they know of DRBD 9 from
 * `drbdsetup events2 --now RESOURCE`.
 *
 * Its other actions (start, stop, promote, demote, notify) change what is configured through several calls of drbdadm.
 * No recording has such a row of calls of DRBD 9; genuine DRBD 8.4 is taken through all of them in test/differential.
 * Recordings have no resource that is diskless on purpose in all its volumes, none that is attaching while it is asked
 * for, and none that is only Consistent.
 */
const TOOL = join(__dirname, '../../../dist/package/drbdsetup.js');
const HOST = 'guest';

const NOT_RUNNING = 7;
const SECONDARY = 0;
const PRIMARY = 8;
const NO_SCORE = 'none';

/** File, number in it and resource; what monitor ends with; the score for promotion that it sets. */
const CASES: readonly (readonly [file: string, number: number, resource: string, exit: number, score: string])[] = [
  ['drbd-9.1.7/empty', 10, 'r0', NOT_RUNNING, NO_SCORE],
  ['drbd-9.2.18/refusals', 164, 'r9', NOT_RUNNING, NO_SCORE],
  ['drbd-9.1.7/lifecycle', 40, 'r0', SECONDARY, NO_SCORE],
  ['drbd-9.1.7/lifecycle', 62, 'r0', SECONDARY, NO_SCORE],
  ['drbd-9.1.7/lifecycle', 93, 'r0', PRIMARY, '10000'],
  ['drbd-9.1.7/lifecycle', 136, 'r0', PRIMARY, '10000'],
  ['drbd-9.1.7/lifecycle', 136, 'r1', SECONDARY, '10'],
  ['drbd-9.1.7/lifecycle', 171, 'r1', SECONDARY, NO_SCORE],
  ['drbd-9.1.7/lifecycle', 173, 'r0', PRIMARY, '10000'],
  ['drbd-9.2.18/config-disk', 103, 'r0', SECONDARY, NO_SCORE],
  ['drbd-9.2.18/config-peer-device', 309, 'r0', SECONDARY, NO_SCORE],
  ['drbd-9.2.18/refusals', 223, 'r0', PRIMARY, NO_SCORE],
  ['drbd-9.2.18/split-brain', 36, 'r0', SECONDARY, '1000'],
  ['drbd-9.2.18/split-brain', 68, 'r0', PRIMARY, '10000'],
  ['drbd-9.2.18/three-nodes', 151, 'r0', SECONDARY, NO_SCORE],
  ['drbd-9.2.18/three-nodes', 160, 'r0', SECONDARY, '10000'],
  ['drbd-9.2.18/three-nodes', 171, 'r0', SECONDARY, '10000'],
  ['drbd-9.2.18/three-nodes', 176, 'r0', SECONDARY, '10'],
  ['drbd-9.2.18/three-nodes', 176, 'r1', PRIMARY, '10000'],
  ['drbd-9.2.18/three-nodes', 176, 'r2', SECONDARY, '10000'],
  ['drbd-9.2.18/three-nodes', 185, 'r0', SECONDARY, NO_SCORE],
  ['drbd-9.2.18/three-nodes', 196, 'r0', SECONDARY, '10000'],
  ['drbd-9.2.18/three-nodes', 196, 'r2', SECONDARY, NO_SCORE],
  ['drbd-9.2.18/two-volumes', 35, 'r0', SECONDARY, NO_SCORE],
  ['drbd-9.2.18/two-volumes', 50, 'r0', PRIMARY, '10000'],
  ['drbd-9.2.18/two-volumes', 64, 'r0', PRIMARY, '10000'],
  ['drbd-9.2.18/two-volumes', 63, 'r1', SECONDARY, '10'],
  ['drbd-9.2.18/two-volumes', 81, 'r0', PRIMARY, '10'],
  ['drbd-9.2.18/two-volumes', 81, 'r1', SECONDARY, '10000'],
  ['drbd-9.2.18/two-volumes', 100, 'r1', SECONDARY, '1000'],
  ['drbd-9.2.18/verify-resync', 128, 'r0', SECONDARY, '10000'],
  ['drbd-9.2.18/verify-resync', 128, 'r1', SECONDARY, '10'],
  ['drbd-9.3.3/oops', 34, 'r0', SECONDARY, '10000'],
];

/** What the agent needs of a cluster manager, and what it looks for on the machine, which is not the recorded one. */
const SHELL_FUNCTIONS = `
OCF_SUCCESS=0 OCF_ERR_GENERIC=1 OCF_ERR_ARGS=2 OCF_ERR_UNIMPLEMENTED=3 OCF_ERR_PERM=4 OCF_ERR_INSTALLED=5
OCF_ERR_CONFIGURED=6 OCF_NOT_RUNNING=7 OCF_RUNNING_MASTER=8 OCF_FAILED_MASTER=9
__OCF_ACTION=$1
set_logtag() { :; }
ocf_log() { [ "$1" = debug ] || { shift; printf '%s\\n' "$*" >&2; }; }
ocf_exit_reason() { printf '%s\\n' "$*" >&2; }
ocf_is_true() { case $1 in [Yy]es|YES|[Tt]rue|TRUE|1|[Oo]n|ON) return 0 ;; *) return 1 ;; esac; }
ocf_is_probe() { [ "$__OCF_ACTION" = monitor ] && [ "$OCF_RESKEY_CRM_meta_interval" = 0 ]; }
check_binary() { command -v "$1" >/dev/null 2>&1 || exit $OCF_ERR_INSTALLED; }
test() { case "$*" in '-f /proc/drbd' | '-b /dev/drbd'[0-9]*) return 0 ;; *) builtin test "$@" ;; esac; }
trap 'for flag in \${!status_*}; do [ "\${!flag}" != true ] || echo "\${flag#status_}"; done >"$OCF_ROOT/flags"' EXIT
`;

let folder: string;

// drbdadm looks for the addresses of the recorded machine, 127.0.0.1, among those of this one.
beforeAll(bringLoopbackUp);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agent-9-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function program(name: string, text: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

function linesOf(name: string): readonly string[] {
  const path = join(folder, name);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}

interface Outcome {
  readonly exit: number | null;
  readonly score: string;
  /** The facts of its own that it takes for true. */
  readonly flags: string;
  readonly calls: readonly string[];
  readonly stderr: string;
}

/** @param drbdsetup what it does, in the words of the shell */
function runAgent(action: string, resource: string, release: string, drbdsetup: string): Outcome {
  for (const name of ['calls', 'scores', 'flags']) rmSync(join(folder, name), { force: true });
  program('drbdsetup', `echo "$@" >>${folder}/calls\n${drbdsetup}`);
  const { status, stderr } = spawnSync(
    '/bin/bash',
    [join(drbdUtilities(), 'usr/lib/ocf/resource.d/linbit/drbd'), action],
    {
      encoding: 'utf8',
      cwd: '/',
      env: {
        PATH: `${folder}:/usr/bin:/bin`,
        __DRBD_NODE__: HOST,
        OCF_ROOT: folder,
        HA_SBIN_DIR: folder,
        RELEASE: release,
        OCF_RESOURCE_INSTANCE: 'drbd:0',
        OCF_RESKEY_drbd_resource: resource,
        OCF_RESKEY_drbdconf: join(folder, 'drbd.conf'),
        OCF_RESKEY_crm_feature_set: '3.0.14',
        OCF_RESKEY_CRM_meta_clone_max: '3',
        OCF_RESKEY_CRM_meta_notify: 'true',
        OCF_RESKEY_CRM_meta_interval: '10000',
      },
    },
  );
  const score = linesOf('scores').map((words) => /^-Q -l reboot -v (\d+)$/u.exec(words)?.[1] ?? words);
  return {
    exit: status,
    score: score.join(' ').replace('-l reboot -D', NO_SCORE),
    flags: linesOf('flags').join(' '),
    calls: linesOf('calls'),
    stderr,
  };
}

function prepare(resource: string): void {
  mkdirSync(join(folder, 'lib/heartbeat'), { recursive: true });
  writeFileSync(join(folder, 'lib/heartbeat/ocf-shellfuncs'), SHELL_FUNCTIONS);
  symlinkSync(join(drbdUtilities(), 'sbin/drbdadm'), join(folder, 'drbdadm'));
  program('crm_master', `echo "$@" >>${folder}/scores`);
  // The version of the recorded module.
  program('modinfo', 'echo "$RELEASE"');
  const side = (host: string, id: number, port: number): string =>
    `on ${host} { node-id ${id}; device minor 0; disk /dev/ram${id}; meta-disk internal; address ipv4 127.0.0.1:${port}; }`;
  writeFileSync(
    join(folder, 'drbd.conf'),
    `global { usage-count no; }\nresource ${resource} { ${side(HOST, 0, 7788)} ${side('other', 1, 7789)} }\n`,
  );
}

const recorded = new Map<string, readonly CapturedRecording[]>();

function find(file: string, number: number): CapturedRecording {
  const captured = recorded.get(file) ?? recordingsOf(`${file}.jsonl`);
  recorded.set(file, captured);
  const found = captured.find(({ id }) => id.endsWith(`/${number}`));
  if (found?.argv[1] !== 'events2') throw new Error(`${file}: command ${number} is no events2`);
  return found;
}

test.each(CASES)('%s %i, resource %s', (file, number, resource, exit, score) => {
  prepare(resource);
  const captured = find(file, number);
  const release = (file.split('/')[0] ?? '').replace('drbd-', '');
  writeFileSync(join(folder, 'output'), captured.stdout);
  writeFileSync(join(folder, 'recording'), recordingText(captured));
  // Where all resources were asked for, ours asks so too: the agent passes by the lines of others.
  const words = captured.argv.includes(resource) ? '"$@"' : 'events2 --now';
  const ours = `DRBD_REPLAY=${folder}/recording exec ${process.execPath} ${TOOL} ${words}`;
  const calls = [`events2 --now ${resource}`];
  const expected = { exit, score, flags: expect.stringMatching(/./u) as string, calls, stderr: '' };
  const genuine = runAgent('monitor', resource, release, `cat ${folder}/output`);
  expect(genuine).toEqual(expected);
  // Ours says what is wrong where the genuine one says nothing. That both exit with 0 is what the agent builds on.
  const stderr = exit === NOT_RUNNING ? `drbdsetup: ${resource}: there is no such resource\n` : '';
  expect(runAgent('monitor', resource, release, ours)).toEqual({ ...genuine, stderr });
  expect(runAgent('status', resource, release, ours)).toEqual({ ...genuine, stderr, score: '' });
});
