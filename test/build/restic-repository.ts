import { execFile, spawnSync } from 'node:child_process';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './tree.ts';

/** A snapshot as far as `restic forget` looks at it. */
export interface ResticSnapshot {
  readonly moment: Date;
  readonly pinned?: boolean;
}

/** What restic says it would keep, by the snapshots' places in the list it was given. */
export type ResticAnswer = ReadonlyMap<number, readonly string[]>;

/** A repository of the real restic: `await using restic = await buildResticRepository(zone)`. */
export interface ResticRepository extends AsyncDisposable {
  /** What `restic forget` would keep of exactly these snapshots, and why. */
  forget(snapshots: readonly ResticSnapshot[], rules: readonly string[]): Promise<ResticAnswer>;
}

/**
 * Makes a repository in a time zone. Taking a snapshot costs restic most of a second, so theirs are written here, in
 * its own format (doc/design.rst): hundreds are there at once. What they hold is not looked at by `forget`.
 */
export async function buildResticRepository(zone: string): Promise<ResticRepository> {
  const folder = temporaryFolder();
  const repository = join(folder.path, 'repository');
  const restic = async (...args: string[]): Promise<string> => {
    const env = { PATH: process.env['PATH'], HOME: folder.path, TZ: zone, RESTIC_PASSWORD: 'test' };
    const all = ['--no-cache', '--quiet', '--repo', repository, ...args];
    return (await promisify(execFile)('restic', all, { env, maxBuffer: 64 * 1024 * 1024 })).stdout;
  };
  await restic('init', '--repository-version', '1');
  const keys = JSON.parse(await restic('cat', 'masterkey')) as MasterKey;
  const snapshotFolder = join(repository, 'snapshots');
  return {
    async forget(snapshots, rules) {
      rmSync(snapshotFolder, { recursive: true, force: true });
      mkdirSync(snapshotFolder);
      const places = new Map<string, number>();
      for (const [place, snapshot] of snapshots.entries()) {
        const bytes = seal(keys, Buffer.from(JSON.stringify(written(snapshot))));
        const id = createHash('sha256').update(bytes).digest('hex');
        writeFileSync(join(snapshotFolder, id), bytes);
        places.set(id, place);
      }
      const text = await restic('forget', '--dry-run', '--json', '--group-by', '', ...rules);
      const [group] = JSON.parse(text) as [ForgetGroup] | [];
      return new Map(group?.keep?.map(({ id }, at) => [places.get(id)!, group.reasons[at]!.matches]));
    },
    [Symbol.asyncDispose]: async () => folder[Symbol.asyncDispose](),
  };
}

/** From 0.17 on restic keeps the oldest snapshot besides, while there are fewer periods than the rules allow for. */
export function resticKeepsOldest(): boolean {
  const [, major, minor] =
    /restic (\d+)\.(\d+)/.exec(spawnSync('restic', ['version']).stdout.toString()) ?? [];
  return Number(major) > 0 || Number(minor) >= 17;
}

function written({ moment, pinned }: ResticSnapshot): object {
  return {
    time: localTime(moment),
    tree: '0'.repeat(64),
    paths: ['/crm'],
    hostname: 'crm',
    ...(pinned === true ? { tags: ['pinned'] } : {}),
  };
}

/** With the offset of the process's time zone, as restic writes it: its calendars are those of the offset. */
function localTime(moment: Date): string {
  const offset = -moment.getTimezoneOffset();
  const shifted = new Date(moment.getTime() + offset * 60_000).toISOString().slice(0, -1);
  const two = (value: number): string => String(value).padStart(2, '0');
  const distance = Math.abs(offset);
  return `${shifted}${offset < 0 ? '-' : '+'}${two(Math.floor(distance / 60))}:${two(distance % 60)}`;
}

/** Of what restic prints, what is looked at. */
interface ForgetGroup {
  readonly keep: readonly { readonly id: string }[] | null;
  readonly reasons: readonly { readonly matches: readonly string[] }[];
}

interface MasterKey {
  readonly mac: { readonly k: string; readonly r: string };
  readonly encrypt: string;
}

/** AES-256-CTR, then Poly1305-AES over the ciphertext. */
function seal({ mac, encrypt }: MasterKey, plain: Buffer): Buffer {
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-ctr', Buffer.from(encrypt, 'base64'), iv);
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  const once = createCipheriv('aes-128-ecb', Buffer.from(mac.k, 'base64'), null).setAutoPadding(false);
  const pad = Buffer.concat([once.update(iv), once.final()]);
  return Buffer.concat([iv, sealed, poly1305(Buffer.from(mac.r, 'base64'), pad, sealed)]);
}

const PRIME = (1n << 130n) - 5n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

function poly1305(r: Buffer, pad: Buffer, message: Buffer): Buffer {
  const factor = littleEndian(r) & CLAMP;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    const block = message.subarray(at, at + 16);
    sum = ((sum + littleEndian(block) + (1n << BigInt(8 * block.length))) * factor) % PRIME;
  }
  const tag = (sum + littleEndian(pad)) & ((1n << 128n) - 1n);
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse();
}

function littleEndian(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}
