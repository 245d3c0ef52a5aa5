import { createHash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { recordName } from '../../../../src/core/vault/record.ts';
import { seal } from '../../../../src/core/vault/seal.ts';
import { buildVault, storeBackup } from '../../../build/vault.ts';

it.each([
  ['is not compressed', Buffer.from('{}')],
  ['is not JSON', zstdCompressSync(Buffer.from('{"format":1'))],
  ['is longer than any record may be', zstdCompressSync(Buffer.alloc(257 * 1024 * 1024, ' '))],
])('a record that %s is damaged, and the others are listed', async (_what, content) => {
  await using built = await buildVault();
  const { vault } = built;
  const whole = await storeBackup(vault, { 'a.txt': 'content' });
  const bytes = seal(vault.keys, 'record', Buffer.alloc(0), content);
  const id = createHash('sha256').update(bytes).digest('hex');
  await vault.storage.write(recordName(id), [bytes]);
  const { records, damaged } = await (await built.reopen()).records();
  expect(records.map((record) => record.id)).toEqual([whole.id]);
  expect(damaged).toMatchObject([{ id, error: { code: 'damaged' } }]);
});
