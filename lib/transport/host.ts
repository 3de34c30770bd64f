/** A block device. */
export interface BlockDevice {
  readonly path: string;
  readonly sizeBytes: bigint;
  readonly major: number;
  readonly minor: number;
}

/** What the layers above read of a host beside its netlink sockets. A recording brings its own. */
export interface HostFiles {
  /**
   * The text of /proc/drbd, or why it cannot be read: the errno's name, of which ENOENT says that procfs has no such
   * file; other words where there is no procfs.
   */
  procDrbd(): string | { readonly error: string };
  /** Reads anew what has to be asked for, as of a simulator's machine; before each reading of the state. */
  refresh?(options: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void>;
  /**
   * The connector index of a shifted 8.3 module, from /sys/module/drbd/parameters/cn_idx; undefined where there is
   * none.
   */
  connectorIndex(): number | undefined;
  /**
   * What a path names.
   * @returns undefined for anything that is not a block device
   * @throws TransportError if there is nothing at the path, or it may not be opened
   */
  blockDevice?(path: string): BlockDevice | undefined;
  /** The name of a minor's resource, from the files that drbdadm of 8.3 keeps, whose kernel knows no names. */
  resourceName?(minor: number): string | undefined;
  /**
   * Whether the kernel itself listens to a netlink protocol in this network namespace; undefined where that cannot be
   * told.
   */
  hasKernelSocket?(protocol: number): boolean | undefined;
  /** They are those of a simulator's machine, not of this one. */
  readonly simulated?: boolean;
  /** The driver, where it is known without asking: a recording names it. */
  readonly driver?: KnownDriver;
}

/** A driver that need not be looked for. */
export interface KnownDriver {
  readonly dialect: 'connector' | 'genl1' | 'genl2';
  readonly byteOrder: 'little' | 'big';
  /** Its release; null where that is not known. */
  readonly version: string | null;
  /** What /proc/drbd calls api; null where that is not known. */
  readonly api: number | null;
}
