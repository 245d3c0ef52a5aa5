import { createCipheriv, createDecipheriv, hkdfSync, randomFillSync } from 'node:crypto';
import { VaultError } from './error.ts';

/** What a sealed piece of bytes is; bound to it, so that one kind cannot stand in for another. */
export type SealRole = 'frame' | 'footer' | 'index' | 'record' | 'note' | 'past' | 'record-cache';

/** The keys of a vault, all derived from its master key. */
export interface VaultKeys {
  /** 16 bytes; bound to everything sealed, so that nothing moves between vaults. */
  readonly vaultId: Buffer;
  /** HMAC-SHA-256 key that makes chunk ids. */
  readonly chunkId: Buffer;
  /** AES-256-GCM key. */
  readonly sealing: Buffer;
  /** 256 little-endian 32-bit words: the chunker's gear table. */
  readonly gear: Buffer;
  /** HMAC-SHA-256 key that seals `vault.json`. */
  readonly config: Buffer;
}

/** The keys that sealing takes. */
export type SealKeys = Pick<VaultKeys, 'vaultId' | 'sealing'>;

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Bytes that sealing adds: nonce and tag. */
export const SEAL_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;

/** Derives a vault's keys from its 32-byte master key with HKDF-SHA-256 (RFC 5869), salted with the vault's id. */
export function deriveKeys(masterKey: Buffer, vaultId: Buffer): VaultKeys {
  const derive = (purpose: string, bytes: number): Buffer =>
    Buffer.from(hkdfSync('sha256', masterKey, vaultId, `crm-backup/1 ${purpose}`, bytes));
  return {
    vaultId,
    chunkId: derive('chunk id', 32),
    sealing: derive('sealing', 32),
    gear: derive('chunker', 1024),
    config: derive('configuration', 32),
  };
}

/**
 * Encrypts with AES-256-GCM under a random 96-bit nonce: nonce ‖ ciphertext ‖ tag. Role and position (where the
 * bytes will stand) are authenticated with it.
 */
export function seal(keys: SealKeys, role: SealRole, position: Uint8Array, plain: Uint8Array): Buffer {
  return Buffer.concat(sealParts(keys, role, position, plain));
}

/** The same as {@link seal} in parts that stand one behind the other: what is large is not copied once more. */
export function sealParts(
  keys: SealKeys,
  role: SealRole,
  position: Uint8Array,
  plain: Uint8Array,
): readonly [nonce: Buffer, body: Buffer, tag: Buffer] {
  const nonce = randomFillSync(Buffer.allocUnsafeSlow(NONCE_BYTES));
  const cipher = createCipheriv('aes-256-gcm', keys.sealing, nonce);
  cipher.setAAD(associatedData(keys, role, position));
  const body = cipher.update(plain);
  cipher.final();
  return [nonce, body, cipher.getAuthTag()];
}

/**
 * Opens what {@link seal} made.
 * @throws {VaultError} `damaged` when a single bit, the role, the position or the key differs.
 */
export function open(keys: SealKeys, role: SealRole, position: Uint8Array, sealed: Buffer): Buffer {
  try {
    if (sealed.length < SEAL_OVERHEAD_BYTES) throw new RangeError('too short to be sealed');
    const decipher = createDecipheriv('aes-256-gcm', keys.sealing, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(associatedData(keys, role, position));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plain = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
    decipher.final();
    return plain;
  } catch (error) {
    throw new VaultError('damaged', `A ${role} of the vault is damaged: its seal does not match.`, {
      cause: error,
      hint: 'Run “crm-backup verify --level data” to see what is affected.',
    });
  }
}

function associatedData(keys: SealKeys, role: SealRole, position: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`crm-backup/1 ${role}\0`), keys.vaultId, position]);
}
