import type { DoctorHost, Unknown } from '../../lib/cli/drbd/doctor/host';

/** A made-up host, as the doctor looks at it. */
export interface Made {
  /** Path to text, or why it cannot be read. */
  readonly files?: Readonly<Record<string, string | Unknown>>;
  readonly directories?: Readonly<Record<string, readonly string[] | Unknown>>;
  readonly links?: Readonly<Record<string, string>>;
  readonly programs?: readonly string[];
  readonly family?: Awaited<ReturnType<DoctorHost['family']>>;
  readonly addon?: string;
  readonly readOnly?: boolean;
  /** What files become during a pause. */
  readonly later?: Readonly<Record<string, string>>;
  /** Path to MAJOR:MINOR. */
  readonly devices?: Readonly<Record<string, string>>;
}

/** @param onFamily is told when the family is asked for */
export function hostOf(made: Made, onFamily: () => void = () => undefined): DoctorHost {
  const { directories = {}, links = {}, programs = [], devices = {} } = made;
  let { files = {} } = made;
  const absent = { error: 'ENOENT' };
  return {
    read: (path) => files[path] ?? absent,
    list: (path) => directories[path] ?? absent,
    link: (path) => links[path] ?? absent,
    kind: (path) => {
      const names = directories[path];
      if (names !== undefined) return 'error' in names ? names : 'directory';
      const text = files[path];
      return text === undefined ? absent : typeof text === 'string' ? (text === 'LINK' ? 'other' : 'file') : text;
    },
    blockDevice: (path) => devices[path],
    mayWrite: () => made.readOnly !== true,
    isProgram: (path) => programs.includes(path),
    family: () => {
      onFamily();
      return Promise.resolve(made.family);
    },
    pause: () => {
      files = { ...files, ...made.later };
      return Promise.resolve();
    },
    addonFailure: () => made.addon,
  };
}
