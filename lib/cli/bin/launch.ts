import { statSync } from 'node:fs';
import { join } from 'node:path';
import type * as programs from './start';

/**
 * Starts a program where a developer compiles: as the package carries it (scripts/bundle), which starts faster, unless
 * a module was compiled since; then from the modules. The package itself has its own, without this.
 */
export function launch(name: keyof typeof programs): void {
  const dist = join(__dirname, '../../..');
  const bundle = join(dist, 'package', `${name}.js`);
  const bundled = statSync(bundle, { throwIfNoEntry: false });
  const compiled = statSync(join(dist, '.tsbuildinfo'), { throwIfNoEntry: false });
  if (bundled !== undefined && compiled !== undefined && compiled.mtimeMs <= bundled.mtimeMs) require(bundle);
  else (require('./start') as typeof programs)[name]();
}
