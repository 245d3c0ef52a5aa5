import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

let named: string | undefined;

/** Where the id of this process counts; see {@link nameSystem}. */
export function ownSystem(): string {
  return (named ??= nameSystem());
}

/** Whether two systems are of one boot of one machine, though perhaps of two containers. */
export function isSameBoot(one: string, other: string): boolean {
  return one.split(' ')[1] === other.split(' ')[1];
}

/**
 * Where the ids of processes count: one boot of one machine, and in it one container. Machines may have the same name
 * and the same first container. Empty where nothing tells them apart (Windows).
 */
function nameSystem(platform: NodeJS.Platform = process.platform): string {
  if (platform === 'darwin') {
    const { status, stdout } = spawnSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], {
      encoding: 'utf8',
    });
    const boot = status === 0 ? stdout.trim() : '';
    return boot === '' ? '' : `darwin ${boot}`;
  }
  if (platform !== 'linux') return '';
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return boot === '' ? '' : `linux ${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}
