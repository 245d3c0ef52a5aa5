import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VaultError } from '../../../../src/core/vault/error.ts';
import {
  createSecret,
  formatSecret,
  isEnvelope,
  parseSecret,
  unwrapMasterKey,
  wrapMasterKey,
} from '../../../../src/core/vault/key.ts';

const VAULT_ID = Buffer.alloc(16, 5);
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const secrets = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));

/** The two lines of a key text that hold the key. */
function characters(text: string): string {
  return text.replace(/^#.*$/gm, '').replace(/[\s-]/g, '');
}

describe('the text of a key', () => {
  it('gives the secret back', () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        expect(parseSecret(formatSecret(secret, 'Key')).equals(secret)).toBe(true);
      }),
    );
  });

  it('may be typed in lower case, in one line, with spaces, and with O for 0 and l or I for 1', () => {
    fc.assert(
      fc.property(secrets, fc.constantFrom('I', 'L', 'i', 'l', '1'), (secret, one) => {
        const typed = characters(formatSecret(secret, 'Key')).replace(/0/g, 'o').replace(/1/g, one);
        expect(parseSecret(typed.toLowerCase()).equals(secret)).toBe(true);
        expect(parseSecret(`  ${typed.match(/.{1,3}/g)!.join(' - ')}\r\n`).equals(secret)).toBe(true);
      }),
    );
  });

  it('is refused with any one character wrong, missing, doubled or swapped with its neighbour', () => {
    const secret = Buffer.from(Array.from({ length: 32 }, (_, at) => (at * 37 + 11) & 0xff));
    const text = characters(formatSecret(secret, 'Key'));
    expect(text).toHaveLength(56);
    const typos: string[] = [];
    for (let at = 0; at < text.length; at++) {
      for (const other of ALPHABET) {
        if (other !== text[at]) typos.push(text.slice(0, at) + other + text.slice(at + 1));
      }
      typos.push(text.slice(0, at) + text.slice(at + 1), text.slice(0, at) + text[at]! + text.slice(at));
      if (at > 0 && text[at] !== text[at - 1]) {
        typos.push(text.slice(0, at - 1) + text[at]! + text[at - 1]! + text.slice(at + 1));
      }
    }
    for (const typo of typos) expect(() => parseSecret(typo), typo).toThrow(VaultError);
  });

  it('is refused without repeating it', () => {
    for (const text of ['', 'hello', 'U'.repeat(56), '# only a comment', '0'.repeat(57)]) {
      try {
        parseSecret(text);
        expect.unreachable();
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid-key' });
        if (text.length > 8) expect((error as Error).message).not.toContain(text);
      }
    }
  });
});

describe('an envelope', () => {
  const masterKey = Buffer.alloc(32, 9);

  it.each(['key-file', 'recovery-key'] as const)('of a %s opens with its secret alone', async (kind) => {
    const secret = createSecret();
    const envelope = await wrapMasterKey(masterKey, VAULT_ID, kind, { secret }, '{}');
    expect((await unwrapMasterKey(envelope, VAULT_ID, { secret }))?.equals(masterKey)).toBe(true);
    expect(await unwrapMasterKey(envelope, VAULT_ID, { secret: createSecret() })).toBeUndefined();
    expect(await unwrapMasterKey(envelope, VAULT_ID, { passphrase: 'secret' })).toBeUndefined();
  });

  it('of a passphrase opens with it, however its accents are typed, and with no other', async () => {
    const envelope = await wrapMasterKey(
      masterKey,
      VAULT_ID,
      'passphrase',
      { passphrase: 'caf\u00e9' },
      '{}',
    );
    expect(await unwrapMasterKey(envelope, VAULT_ID, { passphrase: 'cafe\u0301' })).toEqual(masterKey);
    expect(await unwrapMasterKey(envelope, VAULT_ID, { passphrase: 'cafe' })).toBeUndefined();
    expect(await unwrapMasterKey(envelope, VAULT_ID, { secret: createSecret() })).toBeUndefined();
  });

  it('opens in its own vault only, and as its own kind only', async () => {
    const secret = createSecret();
    const envelope = await wrapMasterKey(masterKey, VAULT_ID, 'key-file', { secret }, '{}');
    expect(await unwrapMasterKey(envelope, Buffer.alloc(16, 6), { secret })).toBeUndefined();
    expect(
      await unwrapMasterKey({ ...envelope, kind: 'recovery-key' }, VAULT_ID, { secret }),
    ).toBeUndefined();
  });

  it('does not let a planted cost exhaust the machine', async () => {
    const passphrase = 'secret';
    const envelope = await wrapMasterKey(masterKey, VAULT_ID, 'passphrase', { passphrase }, '{}');
    for (const scrypt of [
      { logN: 31, r: 8, p: 1 },
      { logN: 17, r: 1 << 20, p: 1 },
      { logN: 17, r: 8, p: 1 << 20 },
    ]) {
      expect(await unwrapMasterKey({ ...envelope, scrypt }, VAULT_ID, { passphrase })).toBeUndefined();
    }
  });

  it('is told from anything else', async () => {
    const envelope = await wrapMasterKey(masterKey, VAULT_ID, 'key-file', { secret: createSecret() }, '{}');
    expect(isEnvelope(JSON.parse(JSON.stringify(envelope)))).toBe(true);
    for (const other of [
      null,
      1,
      'text',
      [],
      {},
      { ...envelope, format: 2 },
      { ...envelope, kind: 'other' },
    ]) {
      expect(isEnvelope(other)).toBe(false);
    }
  });
});
