'use strict';

/**
 * Proves with a real kernel what scripts/kernel promises: every expectation is one run of it, as a user would make it.
 */

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const { randomBytes } = require('node:crypto');
const {
  existsSync,
  mkdtempSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');

module.exports = async function selftest(script, args) {
  const qemu = args.includes('--qemu');
  if (args.some((option) => option !== '--qemu')) {
    process.stderr.write('selftest knows --qemu only\n');
    return 2;
  }
  // A folder of its own for all that a run leaves in the temporary folder: at the end it must be empty.
  const own = mkdtempSync(join(realpathSync(tmpdir()), 'kernel-selftest-'));
  const temporary = join(own, 'tmp');
  mkdirSync(temporary);
  const env = { ...process.env, TMPDIR: temporary, HOME: own };
  const limit = qemu ? 120 : 60;

  /** One run: what it wrote to either stream, its exit status and its time. */
  function start(options, command, { onStart } = {}) {
    const began = Date.now();
    const child = spawn(
      script,
      ['run', ...(qemu ? ['--qemu'] : []), '--timeout', String(limit), ...options, '--', ...command],
      { env, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const out = [];
    const err = [];
    child.stdout.on('data', (data) => out.push(data));
    child.stderr.on('data', (data) => err.push(data));
    onStart?.(child);
    return new Promise((settle, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) =>
        settle({
          status,
          signal,
          out: Buffer.concat(out),
          err: Buffer.concat(err),
          text: Buffer.concat(out).toString(),
          errors: Buffer.concat(err).toString(),
          seconds: (Date.now() - began) / 1000,
        }),
      );
    });
  }
  const sh = (text, ...options) => start(options, ['sh', '-c', text]);
  const expectStatus = (result, status) =>
    assert.strictEqual(
      result.status,
      status,
      `exit status ${result.status} (${result.signal}) instead of ${status}; standard error:\n${result.errors.slice(-2000)}`,
    );
  /** Processes that have this test's folder in their environment or arguments, this one apart. */
  const processes = () =>
    readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
      try {
        return (
          ['cmdline', 'environ'].some((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(temporary)) &&
          !/^\S+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
        );
      } catch {
        return false;
      }
    });
  const expectNothingLeft = async () => {
    for (let i = 0; i < 100 && (processes().length > 0 || readdirSync(temporary).length > 0); i++) await sleep(50);
    assert.deepStrictEqual(processes(), [], 'processes left behind');
    assert.deepStrictEqual(readdirSync(temporary), [], 'files left behind');
    assert.strictEqual(existsSync(join(own, '.uml')), false, 'a folder .uml left behind');
  };

  const tests = {
    'runs true': async () => {
      const result = await start([], ['true']);
      expectStatus(result, 0);
      assert.strictEqual(result.text + result.errors, '');
      return `${result.seconds.toFixed(1)} s`;
    },
    'passes the exit status on': async () => expectStatus(await sh('exit 3'), 3),
    'tells the signal that ended the command': async () => expectStatus(await sh('kill -TERM $$'), 143),
    'tells a command that is not there': async () => {
      const result = await start([], ['no-such-command']);
      expectStatus(result, 127);
      assert.match(result.errors, /no-such-command/);
    },
    'passes arguments, variables and the folder on as they are': async () => {
      const strings = ['a b', `it's "quoted"`, '', '$HOME `id` \\ *', 'two\nlines', '--', 'ünï'];
      const result = await start(
        ['--env', 'ODD=x y="z"\n$'],
        [
          'node',
          '-e',
          'console.log(JSON.stringify([process.argv.slice(1), process.env.ODD, process.cwd(), process.stdout.isTTY === true]))',
          '--',
          ...strings,
        ],
      );
      expectStatus(result, 0);
      // The first -- is node's own.
      assert.deepStrictEqual(JSON.parse(result.text), [
        strings,
        'x y="z"\n$',
        realpathSync(join(script, '../..')),
        false,
      ]);
    },
    'carries 1 MiB of binary on each stream, and shares folders': async () => {
      const input = join(own, 'in');
      const output = join(own, 'out dir');
      mkdirSync(input);
      mkdirSync(output);
      const data = [randomBytes(1 << 20), randomBytes(1 << 20)];
      writeFileSync(join(input, 'a'), data[0]);
      writeFileSync(join(input, 'b'), data[1]);
      const result = await sh(
        'cat /in/b >&2 & cat /in/a; wait; cp /in/a /out/c; ! touch /in/d 2>/dev/null',
        '--in',
        input,
        '--out',
        output,
      );
      expectStatus(result, 0);
      assert.ok(result.out.equals(data[0]), 'standard output differs');
      assert.ok(result.err.equals(data[1]), 'standard error differs');
      assert.ok(readFileSync(join(output, 'c')).equals(data[0]), 'the file in /out differs');
    },
    'loses nothing to a slow reader': async () => {
      const result = spawnSync(
        'bash',
        [
          '-o',
          'pipefail',
          '-c',
          '"$@" | { sleep 4; md5sum; }',
          'bash',
          script,
          'run',
          ...(qemu ? ['--qemu'] : []),
          '--',
          'sh',
          '-c',
          'cat "$1"',
          'sh',
          process.execPath,
        ],
        { env, encoding: 'utf8' },
      );
      assert.strictEqual(result.status, 0, result.stderr);
      assert.strictEqual(
        result.stdout.slice(0, 32),
        spawnSync('md5sum', [process.execPath], { encoding: 'utf8' }).stdout.slice(0, 32),
      );
    },
    'passes output on at once': async () => {
      let seen;
      const result = await start([], ['sh', '-c', 'echo now; sleep 3'], {
        onStart: (child) => child.stdout.on('data', () => (seen ??= Date.now())),
      });
      expectStatus(result, 0);
      assert.ok(Date.now() - seen > 2500, 'the output came at the end only');
    },
    'ends at the time limit': async () => {
      const result = await start(['--timeout', '6'], ['sleep', '1000']);
      expectStatus(result, 124);
      assert.ok(result.seconds < 9, `it took ${result.seconds} s`);
      await expectNothingLeft();
    },
    'ends with what the command left running': async () => {
      const result = await sh('sleep 1000 & echo done');
      expectStatus(result, 0);
      assert.strictEqual(result.text, 'done\n');
    },
    'has DRBD 8.4.11': async () => {
      const result = await start([], ['cat', '/proc/drbd', '/sys/module/drbd/parameters/usermode_helper']);
      expectStatus(result, 0);
      assert.match(result.text, /^version: 8\.4\.11 .*\/bin\/true$/ms);
    },
    'leaves drbd out when asked': async () =>
      expectStatus(await sh('test ! -e /proc/drbd && modprobe drbd && test -e /proc/drbd', '--no-drbd'), 0),
    'loads further modules, and brings lo up': async () => {
      const text = `const { networkInterfaces } = require('node:os'); console.log(networkInterfaces().lo[0].address, require('node:fs').readdirSync('/sys/class/net').sort().join())`;
      const result = await start(['--modules', 'dummy numdummies=2'], ['node', '-e', text]);
      expectStatus(result, 0);
      assert.strictEqual(result.text, '127.0.0.1 dummy0,dummy1,lo\n');
    },
    'mirrors two minors over lo': async () => {
      const side = (name, minor, port, peer) => `
        drbdmeta --force ${minor} v08 /dev/ram${minor} internal create-md >/dev/null
        drbdsetup new-resource ${name}; drbdsetup new-minor ${name} ${minor} 0
        drbdsetup attach ${minor} /dev/ram${minor} /dev/ram${minor} internal
        drbdsetup connect ${name} 127.0.0.1:${port} 127.0.0.1:${peer} --protocol=C --cram-hmac-alg=sha1 --shared-secret=x`;
      const result = await sh(
        `set -e; ${side('left', 0, 7788, 7789)}; ${side('right', 1, 7789, 7788)}
        drbdsetup primary 0 --overwrite-data-of-peer
        for i in $(seq 300); do test "$(drbdsetup dstate 0)" = UpToDate/UpToDate && break; sleep 0.1; done
        drbdsetup dstate 0; drbdsetup cstate 1; drbdsetup role 1; drbdsetup secondary 0; drbdsetup down left; drbdsetup down right`,
        '--check-log',
      );
      expectStatus(result, 0);
      assert.strictEqual(result.text, 'UpToDate/UpToDate\nConnected\nSecondary/Primary\n');
    },
    'keeps the log, and finds nothing in a good one': async () => {
      const log = join(own, 'a log');
      expectStatus(await start(['--check-log', '--log', log], ['true']), 0);
      assert.match(readFileSync(log, 'latin1'), /drbd: initialized\. Version: 8\.4\.11/);
    },
    'finds a bug in the log': async () => {
      const result = await sh(`echo 'BUG: test' >/dev/kmsg`, '--check-log');
      expectStatus(result, 70);
      assert.match(result.errors, /BUG: test/);
      expectStatus(await sh(`echo 'BUG: test' >/dev/kmsg`), 0);
      expectStatus(await sh(`echo 'BUG: test' >/dev/kmsg; exit 5`, '--check-log'), 5);
    },
    'tells a panic': async () => {
      const result = await sh('echo c >/proc/sysrq-trigger; sleep 5');
      expectStatus(result, 71);
      assert.match(result.errors, /the kernel died/);
    },
    'tells a kernel that does not boot': async () => {
      const result = await start(['--modules', 'no-such-module'], ['true']);
      expectStatus(result, 71);
      assert.match(result.errors, /no-such-module not found/);
    },
    'writes outside the shared folders stay in the guest': async () => {
      expectStatus(
        await sh('echo x >/etc/kernel-selftest && echo x >/usr/bin/kernel-selftest && test -s /etc/kernel-selftest'),
        0,
      );
      assert.ok(!existsSync('/etc/kernel-selftest') && !existsSync('/usr/bin/kernel-selftest'));
    },
    'runs two at once': async () => {
      const results = await Promise.all([sh('echo one; sleep 2'), sh('echo two; sleep 2')]);
      for (const result of results) expectStatus(result, 0);
      assert.deepStrictEqual(
        results.map(({ text }) => text),
        ['one\n', 'two\n'],
      );
    },
    'leaves nothing behind when interrupted': async () => {
      for (const [signal, status] of [
        ['SIGINT', 130],
        ['SIGTERM', 143],
        ['SIGKILL', null],
      ]) {
        const result = await start([], ['sh', '-c', 'echo up; sleep 1000'], {
          onStart: (child) => child.stdout.once('data', () => child.kill(signal)),
        });
        assert.strictEqual(result.status, status, `${signal}: exit status ${result.status}`);
        assert.ok(result.seconds < limit / 2, `${signal}: it went on for ${result.seconds} s`);
        await expectNothingLeft();
      }
    },
    'ends with its reader': async () => {
      const result = spawnSync(
        'bash',
        [
          '-o',
          'pipefail',
          '-c',
          '"$@" | head -n 1',
          'bash',
          script,
          'run',
          ...(qemu ? ['--qemu'] : []),
          '--timeout',
          String(limit),
          '--',
          'yes',
        ],
        { env, encoding: 'utf8' },
      );
      assert.strictEqual(result.stdout, 'y\n');
      assert.strictEqual(result.status, 141, result.stderr);
    },
    'leaves nothing behind': expectNothingLeft,
  };

  let failed = 0;
  const began = Date.now();
  try {
    const fetched = spawnSync(script, ['fetch', ...(qemu ? ['--qemu'] : [])], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (fetched.status !== 0) return fetched.status ?? 69;
    for (const [name, test] of Object.entries(tests)) {
      try {
        const note = await test();
        process.stdout.write(`ok    ${name}${note === undefined ? '' : `: ${note}`}\n`);
      } catch (error) {
        failed++;
        process.stdout.write(`FAIL  ${name}: ${error.message}\n`);
      }
    }
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
  process.stdout.write(
    `${Object.keys(tests).length - failed} passed, ${failed} failed, in ${((Date.now() - began) / 1000).toFixed(0)} s\n`,
  );
  return failed === 0 ? 0 : 1;
};
