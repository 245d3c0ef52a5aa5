import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';

/** What a source of power says of itself, as Linux shows it. */
export interface PowerSupply {
  /** `Mains`, `USB`, `Battery` … */
  readonly type: string;
  /** Of a battery: `Discharging`, `Charging`, `Full` … */
  readonly status: string | undefined;
  /** Of what is plugged in: `1`. */
  readonly online: string | undefined;
  /** `Device` for the battery of a mouse. */
  readonly scope: string | undefined;
}

/** Whether a machine with these supplies lives on its battery. Pure. */
export function isOnBattery(supplies: readonly PowerSupply[]): boolean {
  const own = supplies.filter(({ scope }) => scope !== 'Device');
  if (own.some(({ type, online }) => type !== 'Battery' && online === '1')) return false;
  return own.some(({ type, status }) => type === 'Battery' && status === 'Discharging');
}

/** Whether `pmset -g batt` of macOS tells of a machine on its battery. Pure. */
export function drawsFromBattery(pmset: string): boolean {
  return pmset.includes("drawing from 'Battery Power'");
}

/** Whether a machine has more to do than is welcome. Pure. @param load tasks that want a processor, on average */
export function isBusy(load: number, processors: number, most: number): boolean {
  return load / Math.max(1, processors) > most;
}

/** Whether this machine lives on its battery, as far as that can be told. */
export function runsOnBattery(platform: NodeJS.Platform = process.platform): boolean {
  if (platform === 'darwin') {
    return drawsFromBattery(spawnSync('pmset', ['-g', 'batt'], { encoding: 'utf8' }).stdout);
  }
  return platform === 'linux' && isOnBattery(powerSupplies('/sys/class/power_supply'));
}

/** Whether this machine has more to do than is welcome, for each of its processors; Windows does not tell. */
export function hasMuchToDo(most: number): boolean {
  return isBusy(os.loadavg()[0] ?? 0, os.availableParallelism(), most);
}

/** The supplies in a folder of the shape of `/sys/class/power_supply`. */
export function powerSupplies(folder: string): PowerSupply[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.map((name) => {
    const value = (of: string): string | undefined => {
      try {
        return readFileSync(join(folder, name, of), 'utf8').trim();
      } catch {
        return undefined;
      }
    };
    return {
      type: value('type') ?? '',
      status: value('status'),
      online: value('online'),
      scope: value('scope'),
    };
  });
}
