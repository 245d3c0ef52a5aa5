/*
 * A reader of vaults written from docs/vault-format.md alone: nothing of the product is imported. What it cannot read,
 * the document does not say.
 */
import { createDecipheriv, createHash, createHmac, hkdfSync, scryptSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const sha256 = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest();

/** The 32 bytes of a secret, from its text. */
export function secretOf(text: string): Buffer {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  const characters = lines.join('').replace(/[\s-]/g, '').toUpperCase();
  let value = 0n;
  for (const character of characters.replaceAll('O', '0').replace(/[IL]/g, '1')) {
    value = value * 32n + BigInt(ALPHABET.indexOf(character));
  }
  const bytes = Buffer.from(value.toString(16).padStart(70, '0'), 'hex');
  const secret = bytes.subarray(0, 32);
  const check = sha256(Buffer.concat([Buffer.from('crm-backup key'), secret])).subarray(0, 3);
  if (!check.equals(bytes.subarray(32))) throw new Error('checksum of the secret');
  return secret;
}

export interface WrappedKey {
  readonly kind: string;
  readonly salt: string;
  readonly wrapped: string;
  readonly scrypt?: { readonly logN: number; readonly r: number; readonly p: number };
}

/** The master key in a key file's JSON; throws when the secret or passphrase is not its. */
export function masterKeyOf(envelope: WrappedKey, vaultId: Buffer, unlock: Buffer | string): Buffer {
  const salt = Buffer.from(envelope.salt, 'base64');
  let key: Buffer;
  if (typeof unlock === 'string') {
    const { logN, r, p } = envelope.scrypt!;
    const N = 2 ** logN;
    key = scryptSync(unlock.normalize('NFC'), salt, 32, { N, r, p, maxmem: 256 * N * r });
  } else {
    key = Buffer.from(hkdfSync('sha256', unlock, salt, 'crm-backup/1 envelope', 32));
  }
  const data = Buffer.concat([Buffer.from(`crm-backup/1 envelope ${envelope.kind}\0`), vaultId]);
  return gcm(key, data, Buffer.from(envelope.wrapped, 'base64'));
}

function gcm(key: Buffer, data: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
  decipher.setAAD(data);
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
}

/** A derived key. */
export function derive(masterKey: Buffer, vaultId: Buffer, purpose: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, vaultId, `crm-backup/1 ${purpose}`, bytes));
}

export function unseal(
  sealing: Buffer,
  vaultId: Buffer,
  role: string,
  position: Buffer,
  sealed: Buffer,
): Buffer {
  const data = Buffer.concat([Buffer.from(`crm-backup/1 ${role}\0`), vaultId, position]);
  return gcm(sealing, data, sealed);
}

export interface StrangeFrame {
  readonly offset: number;
  readonly sealedBytes: number;
  readonly plainBytes: number;
  readonly method: number;
  readonly dictionary: readonly string[];
  readonly chunks: readonly { readonly id: string; readonly bytes: number }[];
}

export function framesOf(listing: Buffer): StrangeFrame[] {
  let at = 4;
  const take = (bytes: number): Buffer => listing.subarray(at, (at += bytes));
  return Array.from({ length: listing.readUInt32LE(0) }, () => {
    const head = take(20);
    const method = head.readUInt16LE(12);
    const dictionary = Array.from({ length: head.readUInt16LE(14) }, () => take(32).toString('hex'));
    const chunks = Array.from({ length: head.readUInt32LE(16) }, () => {
      const id = take(32).toString('hex');
      const bytes = take(4).readUInt32LE(0);
      if (method === 2) take(4);
      return { id, bytes };
    });
    const [offset, sealedBytes, plainBytes] = [0, 4, 8].map((from) => head.readUInt32LE(from));
    return {
      offset: offset!,
      sealedBytes: sealedBytes!,
      plainBytes: plainBytes!,
      method,
      dictionary,
      chunks,
    };
  });
}

export interface StrangeEntry {
  readonly path: string;
  readonly type: string;
  readonly mode: number;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly inode: bigint;
  readonly target: string;
  readonly chunks: readonly string[];
}

export function* entriesOf(bytes: Buffer): Generator<StrangeEntry> {
  for (let at = 0; at < bytes.length;) {
    const entry = bytes.subarray(at, at + bytes.readUInt32LE(at));
    at += entry.length;
    let from = 52;
    const take = (length: number): Buffer => entry.subarray(from, (from += length));
    const path = take(entry.readUInt16LE(40)).toString();
    const target = take(entry.readUInt16LE(42)).toString();
    take(entry.readUInt32LE(44));
    yield {
      path,
      type: ['file', 'directory', 'link', 'table', 'object'][entry[4]!]!,
      mode: entry.readUInt16LE(6),
      size: entry.readBigUInt64LE(8),
      mtimeNs: entry.readBigInt64LE(16),
      ctimeNs: entry.readBigInt64LE(24),
      inode: entry.readBigUInt64LE(32),
      target,
      chunks: Array.from({ length: entry.readUInt32LE(48) }, () => take(32).toString('hex')),
    };
  }
}

/** The plain bytes of a frame. */
export function decode(method: number, coded: Buffer, dictionary: Buffer): Buffer {
  if (method === 0) return coded;
  if (method === 1) return zstdDecompressSync(coded);
  const isMagic = dictionary.subarray(0, 4).toString('hex') === '37a430ec';
  return zstdDecompressSync(coded, { dictionary: isMagic ? dictionary.subarray(1) : dictionary });
}

/** Reads a vault's directory with a secret or passphrase. */
export class StrangeVault {
  readonly #directory: string;
  readonly #id: Buffer;
  readonly #sealing: Buffer;
  readonly #chunkId: Buffer;
  readonly #places = new Map<string, { pack: string; salt: Buffer; frame: StrangeFrame }>();

  constructor(directory: string, unlock: Buffer | string) {
    this.#directory = directory;
    const config = readFileSync(join(directory, 'vault.json'), 'utf8');
    const { format, id, createdAt, chunkSizes, seal } = JSON.parse(config) as Record<string, string>;
    this.#id = Buffer.from(id!, 'hex');
    const masterKey = this.#masterKey(unlock);
    this.#sealing = derive(masterKey, this.#id, 'sealing', 32);
    this.#chunkId = derive(masterKey, this.#id, 'chunk id', 32);
    const sealed = createHmac('sha256', derive(masterKey, this.#id, 'configuration', 32))
      .update(JSON.stringify({ format, id, createdAt, chunkSizes }))
      .digest('hex');
    if (sealed !== seal) throw new Error('seal of vault.json');
    for (const name of readdirSync(join(directory, 'index'))) this.#readIndex(this.#object(`index/${name}`));
  }

  #masterKey(unlock: Buffer | string): Buffer {
    for (const name of readdirSync(join(this.#directory, 'keys'))) {
      const envelope = JSON.parse(this.#object(`keys/${name}`).toString()) as WrappedKey;
      if ((envelope.kind === 'passphrase') !== (typeof unlock === 'string')) continue;
      try {
        return masterKeyOf(envelope, this.#id, unlock);
      } catch {
        // Another key's.
      }
    }
    throw new Error('no key opens this vault');
  }

  /** An object's bytes, held against its name. */
  #object(name: string): Buffer {
    const bytes = readFileSync(join(this.#directory, name));
    const digits = /([0-9a-f]+)(\.\w+)?$/.exec(name)![1]!;
    if (!sha256(bytes).toString('hex').startsWith(digits)) throw new Error(`name of ${name}`);
    return bytes;
  }

  #unseal(role: string, position: Buffer, sealed: Buffer): Buffer {
    return unseal(this.#sealing, this.#id, role, position, sealed);
  }

  #readIndex(sealed: Buffer): void {
    const bytes = this.#unseal('index', Buffer.alloc(0), sealed);
    for (let at = 0; at < bytes.length;) {
      const pack = bytes.toString('hex', at, at + 32);
      const salt = bytes.subarray(at + 32, at + 48);
      const listing = bytes.subarray(at + 60, at + 60 + bytes.readUInt32LE(at + 56));
      const whole = this.#object(`packs/${pack.slice(0, 2)}/${pack}.pack`);
      this.#checkPack(whole, salt, listing, Number(bytes.readBigUInt64LE(at + 48)));
      for (const frame of framesOf(listing)) {
        for (const { id } of frame.chunks) this.#places.set(id, { pack, salt, frame });
      }
      at += 60 + listing.length;
    }
  }

  #checkPack(whole: Buffer, salt: Buffer, listing: Buffer, bytes: number): void {
    const footerBytes = whole.readUInt32LE(whole.length - 8);
    const offset = whole.length - 8 - footerBytes;
    const position = Buffer.concat([salt, u64(offset)]);
    const footer = this.#unseal('footer', position, whole.subarray(offset, offset + footerBytes));
    const isWhole =
      whole.length === bytes &&
      whole.toString('latin1', 0, 8) === 'CRMPACK1' &&
      whole.subarray(8, 24).equals(salt) &&
      whole.toString('latin1', whole.length - 4) === 'CRMF' &&
      footer.equals(listing);
    if (!isWhole) throw new Error('a pack differs from its index');
  }

  /** Records by id. */
  records(): Map<string, { createdAt: string; kind: string; manifest: { chunks: string }[] }> {
    const records = new Map<string, { createdAt: string; kind: string; manifest: { chunks: string }[] }>();
    for (const id of readdirSync(join(this.#directory, 'backups'))) {
      const json = zstdDecompressSync(this.#unseal('record', Buffer.alloc(0), this.#object(`backups/${id}`)));
      records.set(id, JSON.parse(json.toString()) as never);
    }
    return records;
  }

  *entries(id: string): Generator<StrangeEntry> {
    for (const segment of this.records().get(id)!.manifest) {
      const ids = Buffer.from(segment.chunks, 'base64').toString('hex');
      for (const chunk of ids.match(/.{64}/g) ?? []) yield* entriesOf(this.chunk(chunk));
    }
  }

  content(entry: StrangeEntry): Buffer {
    return Buffer.concat(entry.chunks.map((id) => this.chunk(id)));
  }

  chunk(id: string): Buffer {
    const { pack, salt, frame } = this.#places.get(id)!;
    const whole = readFileSync(join(this.#directory, 'packs', pack.slice(0, 2), `${pack}.pack`));
    const sealed = whole.subarray(frame.offset, frame.offset + frame.sealedBytes);
    const coded = this.#unseal('frame', Buffer.concat([salt, u64(frame.offset)]), sealed);
    const dictionary = Buffer.concat(frame.dictionary.map((part) => this.chunk(part)));
    const plain = decode(frame.method, coded, dictionary);
    let at = 0;
    for (const chunk of frame.chunks) {
      const bytes = plain.subarray(at, (at += chunk.bytes));
      if (chunk.id !== id) continue;
      const isIt = createHmac('sha256', this.#chunkId).update(bytes).digest('hex') === id;
      if (!isIt || plain.length !== frame.plainBytes) throw new Error('a chunk is not what its id says');
      return bytes;
    }
    throw new Error('no such chunk in the frame');
  }
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
