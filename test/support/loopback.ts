import { spawnSync } from 'node:child_process';
import { networkInterfaces } from 'node:os';

/** SIOCGIFFLAGS and SIOCSIFFLAGS of lo, with IFF_UP. The kernel gives it 127.0.0.1 itself. */
const UP = `
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    name, flags = struct.unpack('16sH14x', fcntl.ioctl(s, 0x8913, struct.pack('16sH14x', b'lo', 0)))
    fcntl.ioctl(s, 0x8914, struct.pack('16sH14x', name, flags | 1))
`;

/** Brings the loopback interface up where it is down, as it is in a fresh network namespace. */
export function bringLoopbackUp(): void {
  if (networkInterfaces()['lo'] !== undefined) return;
  const { error, status, stderr } = spawnSync('python3', ['-c', UP], { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`lo: cannot be brought up: ${stderr}`);
}
