import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');
/** The kernel boots in a second; each request is given one; nothing else takes long. */
const LIMIT_SECONDS = 60;

test(
  'in a genuine kernel that deadlocks, programs end on time and are gone: the one whose request did it, and those that come after it',
  () => {
    // The shell waits for each program: it would wait for ever if a thread of one were stuck. That kernel cannot be
    // shut down in order any more.
    const tool = 'node dist/lib/cli/bin/drbdsetup.js --timeout 1';
    const script = [
      'node dist/test/support/stuck-request.js; echo "exit $?"',
      `${tool} status; echo "status $?"`,
      `${tool} secondary 7; echo "secondary $?"`,
      'sleep 0.2; for stat in /proc/[0-9]*/stat; do set -- $(cat "$stat"); [ "$3" = D ] && echo "stuck $2"; done',
      'sleep 0.2; echo o > /proc/sysrq-trigger; sleep 5',
    ].join('\n');
    // The guest has no sanitizer's library: there the plain addon serves.
    const options = ['--env', 'NODE_DRBD_ADDON=', '--timeout', String(LIMIT_SECONDS)];
    const { status, stdout, stderr } = spawnSync(
      join(ROOT, 'scripts/kernel'),
      ['run', ...options, '--', 'sh', '-c', script],
      { cwd: ROOT, encoding: 'utf8', timeout: 2 * LIMIT_SECONDS * 1000 },
    );
    expect(`${stdout}${status === 0 ? '' : stderr}`).toMatch(
      /^ERR_DRBD_TIMEOUT started\nexit 0\nstatus 20\nsecondary 20\n(?:stuck \(.*\)\n)+/m,
    );
    expect(stderr).toMatch(/the kernel still works on it/);
  },
  3 * LIMIT_SECONDS * 1000,
);
