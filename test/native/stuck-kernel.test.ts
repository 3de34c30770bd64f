import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');
/** The kernel boots in a second; the request is given one; nothing else takes long. */
const LIMIT_SECONDS = 60;

test(
  'a program whose request deadlocks a genuine kernel ends on time, and is gone',
  () => {
    // The shell waits for the program: it would wait for ever if a thread of it were stuck. That kernel cannot be shut down in order any more.
    const script = 'node dist/test/support/stuck-request.js; echo "exit $?"; sleep 0.2; for stat in /proc/[0-9]*/stat; do set -- $(cat "$stat"); [ "$3" = D ] && echo "stuck $2"; done; sleep 0.2; echo o > /proc/sysrq-trigger; sleep 5';
    const { status, stdout, stderr } = spawnSync(join(ROOT, 'scripts/kernel'), ['run', '--env', 'NODE_DRBD_ADDON=', // The guest has no sanitizer's library: there the plain addon serves.
 '--timeout', String(LIMIT_SECONDS), '--', 'sh', '-c', script], { cwd: ROOT, encoding: 'utf8', timeout: 2 * LIMIT_SECONDS * 1000 });
    expect(`${stdout}${status === 0 ? '' : stderr}`).toMatch(/^ERR_DRBD_TIMEOUT started\nexit 0\nstuck \(.*\)\n/m);
  },
  3 * LIMIT_SECONDS * 1000,
);
