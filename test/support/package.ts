import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { plainEnvironment } from './sockets';

export const root = join(__dirname, '../../..');
export const addon = process.env['NODE_DRBD_ADDON'] ?? join(root, 'native/build/Release/node_drbd.node');
export const platform = `${process.platform}-${process.arch}`;

/** The package as npm publishes it, unpacked into a project that uses it. It has no install script. */
export interface InstalledPackage {
  /** The user's project. */
  readonly project: string;
  /** The package in it, without a binary. */
  readonly installed: string;
  readonly tarball: string;
  readonly files: readonly { readonly path: string; readonly size: number }[];
  remove(): void;
}

/** Packs what scripts/bundle left in dist/package. */
export function installPackage(): InstalledPackage {
  const project = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  const installed = join(project, 'node_modules/node-drbd');
  mkdirSync(installed, { recursive: true });
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], {
    cwd: root,
    encoding: 'utf8',
    env: {
      ...plainEnvironment(),
      npm_config_cache: join(project, 'cache'),
      npm_config_loglevel: 'error',
      npm_config_update_notifier: 'false',
    },
  });
  const [packed] = JSON.parse(output) as readonly {
    readonly filename: string;
    readonly files: readonly { readonly path: string; readonly size: number }[];
  }[];
  if (packed === undefined) throw new Error('nothing was packed');
  const tarball = join(project, packed.filename);
  execFileSync('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
  rmSync(join(installed, 'prebuilds'), { recursive: true, force: true });
  return { project, installed, tarball, files: packed.files, remove: () => rmSync(project, { recursive: true }) };
}

/** Puts the addon into a folder of the package, as a build or a release does. */
export function placeAddon(installed: string, ...folder: readonly string[]): string {
  const target = join(installed, ...folder);
  mkdirSync(target, { recursive: true });
  copyFileSync(addon, join(target, 'node_drbd.node'));
  return join(target, 'node_drbd.node');
}
