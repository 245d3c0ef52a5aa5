import { createHash } from 'node:crypto';
import type { Storage } from '../storage/storage.ts';
import { type Envelope, isEnvelope } from './key.ts';

const FOLDER = 'keys';
const NAME_DIGITS = 32;

/** A file in `keys/`. */
export interface KeyFile {
  readonly name: string;
  /** Undefined when the file holds none. */
  readonly envelope: Envelope | undefined;
  /** Whether the file is as it was written. An envelope may open all the same: its key is sealed on its own. */
  readonly isIntact: boolean;
}

/** An envelope as a file: named by a part of its SHA-256, so that damage shows without a key. */
export function encodeKeyFile(envelope: Envelope): { name: string; bytes: Buffer } {
  const bytes = Buffer.from(`${JSON.stringify(envelope, null, 2)}\n`);
  return { name: nameOf(bytes), bytes };
}

/** All files in `keys/`. */
export async function readKeyFiles(storage: Storage): Promise<KeyFile[]> {
  const objects = await storage.list(FOLDER);
  const files = await Promise.all(objects.map(async ({ name }) => readKeyFile(storage, name)));
  return files.filter((file) => file !== undefined);
}

async function readKeyFile(storage: Storage, name: string): Promise<KeyFile | undefined> {
  let bytes: Buffer;
  try {
    bytes = await storage.read(name);
  } catch (error) {
    // Keys can be replaced while they are read.
    if ((await storage.size(name)) === undefined) return undefined;
    throw error;
  }
  const envelope = decodeEnvelope(bytes);
  return { name, envelope, isIntact: envelope !== undefined && nameOf(bytes) === name };
}

function decodeEnvelope(bytes: Buffer): Envelope | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return isEnvelope(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function nameOf(bytes: Buffer): string {
  return `${FOLDER}/${createHash('sha256').update(bytes).digest('hex').slice(0, NAME_DIGITS)}.json`;
}
