import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { VaultError } from './error.ts';

/** What opens a vault: the secret of a key file or recovery key, or a passphrase. */
export type Unlock = { readonly secret: Buffer } | { readonly passphrase: string };

export type EnvelopeKind = 'key-file' | 'recovery-key' | 'passphrase';

/** The master key, wrapped by one secret: the content of `keys/<id>.json`. */
export interface Envelope {
  readonly format: 1;
  readonly kind: EnvelopeKind;
  readonly createdAt: string;
  /** base64 */
  readonly salt: string;
  /** nonce ‖ wrapped master key ‖ tag, base64 */
  readonly wrapped: string;
  readonly scrypt?: ScryptCost;
  /** A copy of the text of `vault.json`, for when that is damaged. */
  readonly vault?: string;
}

interface ScryptCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

const SECRET_BYTES = 32;
const CHECKSUM_BYTES = 3;
const SCRYPT_COST: ScryptCost = { logN: 17, r: 8, p: 1 };
/** More would let a planted envelope exhaust the machine's memory or time. */
const MOST_SCRYPT_COST: ScryptCost = { logN: 20, r: 16, p: 8 };
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A new random secret for a key file or recovery key. */
export function createSecret(): Buffer {
  return randomBytes(SECRET_BYTES);
}

/**
 * The text of a key file or recovery key: Crockford base32 in 14 groups of four, the last characters a checksum, so
 * that it can be copied from paper.
 */
export function formatSecret(secret: Buffer, heading: string): string {
  const bytes = Buffer.concat([secret, checksum(secret)]);
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  const characters = bits.match(/.{5}/g)!.map((five) => ALPHABET[Number.parseInt(five, 2)]!);
  const groups = characters.join('').match(/.{4}/g)!;
  return `# ${heading}\n# Whoever has this can read the backups. Keep it apart from them.\n${groups.slice(0, 7).join('-')}-\n${groups.slice(7).join('-')}\n`;
}

/**
 * Reads what {@link formatSecret} wrote; case, spaces, dashes and lines do not matter, O is 0, I and L are 1.
 * @throws {VaultError} `invalid-key`; the text is not repeated.
 */
export function parseSecret(text: string): Buffer {
  const characters = text
    .replace(/^#.*$/gm, '')
    .replace(/[\s-]/g, '')
    .toUpperCase()
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1');
  const bytes = Buffer.alloc(SECRET_BYTES + CHECKSUM_BYTES);
  let value = 0;
  let bits = 0;
  let at = 0;
  for (const character of characters) {
    const five = ALPHABET.indexOf(character);
    if (five < 0 || at >= bytes.length) throw invalidKey();
    value = ((value << 5) | five) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (value >> bits) & 0xff;
    }
  }
  const secret = bytes.subarray(0, SECRET_BYTES);
  if (at !== bytes.length || !checksum(secret).equals(bytes.subarray(SECRET_BYTES))) throw invalidKey();
  return secret;
}

function invalidKey(): VaultError {
  return new VaultError('invalid-key', 'This is not a key of CRM Backup, or a character in it is wrong.', {
    hint: 'A key is 14 groups of four letters and digits; compare it with the original.',
  });
}

function checksum(secret: Buffer): Buffer {
  return createHash('sha256').update('crm-backup key').update(secret).digest().subarray(0, CHECKSUM_BYTES);
}

/**
 * Wraps the master key under a secret or passphrase.
 * @param vault The text of the vault's `vault.json`, kept beside it.
 */
export async function wrapMasterKey(
  masterKey: Buffer,
  vaultId: Buffer,
  kind: EnvelopeKind,
  unlock: Unlock,
  vault: string,
): Promise<Envelope> {
  const salt = randomBytes(32);
  const cost = 'passphrase' in unlock ? SCRYPT_COST : undefined;
  const key = await wrappingKey(unlock, salt, cost);
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(envelopeData(vaultId, kind));
  const wrapped = Buffer.concat([nonce, cipher.update(masterKey), cipher.final(), cipher.getAuthTag()]);
  return {
    format: 1,
    kind,
    createdAt: new Date().toISOString(),
    salt: salt.toString('base64'),
    wrapped: wrapped.toString('base64'),
    ...(cost === undefined ? {} : { scrypt: cost }),
    vault,
  };
}

/** The master key in an envelope, or undefined when this secret does not open it. */
export async function unwrapMasterKey(
  envelope: Envelope,
  vaultId: Buffer,
  unlock: Unlock,
): Promise<Buffer | undefined> {
  if ('passphrase' in unlock !== (envelope.kind === 'passphrase')) return undefined;
  const wrapped = Buffer.from(envelope.wrapped, 'base64');
  try {
    const key = await wrappingKey(unlock, Buffer.from(envelope.salt, 'base64'), envelope.scrypt);
    const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(0, 12), { authTagLength: 16 });
    decipher.setAAD(envelopeData(vaultId, envelope.kind));
    decipher.setAuthTag(wrapped.subarray(-16));
    return Buffer.concat([decipher.update(wrapped.subarray(12, -16)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** Checks that a file's JSON is an envelope of this format. */
export function isEnvelope(value: unknown): value is Envelope {
  if (typeof value !== 'object' || value === null) return false;
  const {
    format,
    kind,
    createdAt,
    salt,
    wrapped,
    scrypt: cost,
    vault,
  } = value as Partial<Record<keyof Envelope, unknown>>;
  return (
    format === 1 &&
    (kind === 'key-file' || kind === 'recovery-key' || kind === 'passphrase') &&
    typeof createdAt === 'string' &&
    typeof salt === 'string' &&
    (vault === undefined || typeof vault === 'string') &&
    typeof wrapped === 'string' &&
    (cost === undefined) === (kind !== 'passphrase')
  );
}

async function wrappingKey(unlock: Unlock, salt: Buffer, cost: ScryptCost | undefined): Promise<Buffer> {
  if (!('passphrase' in unlock)) {
    return Buffer.from(hkdfSync('sha256', unlock.secret, salt, 'crm-backup/1 envelope', 32));
  }
  const { logN, r, p } = cost ?? SCRYPT_COST;
  if (logN > MOST_SCRYPT_COST.logN || r > MOST_SCRYPT_COST.r || p > MOST_SCRYPT_COST.p) {
    throw new RangeError('scrypt cost out of bounds');
  }
  const N = 2 ** logN;
  return new Promise((resolve, reject) => {
    scrypt(unlock.passphrase.normalize('NFC'), salt, 32, { N, r, p, maxmem: 256 * N * r }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

function envelopeData(vaultId: Buffer, kind: EnvelopeKind): Buffer {
  return Buffer.concat([Buffer.from(`crm-backup/1 envelope ${kind}\0`), vaultId]);
}
