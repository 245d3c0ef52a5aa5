import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../../../src/core/task.ts';
import { FrameMethod } from '../../../../src/core/vault/frame.ts';
import { verify } from '../../../../src/core/vault/verify.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import { buildVault, storeBackup } from '../../../build/vault.ts';

describe('verify, in worker threads', () => {
  it('reads every byte of a large vault and finds each damaged frame', async () => {
    await using built = await buildVault();
    const large = noiseOf(1, 20_000_000);
    const first = await storeBackup(built.vault, { 'large.bin': large });
    const edited = Buffer.from(large);
    for (let at = 0; at < edited.length; at += 2_000_000) edited.write('edited', at);
    await storeBackup(built.vault, { 'large.bin': edited }, { base: first });

    const progress: Progress[] = [];
    const vault = await built.reopen();
    const whole = await verify(vault, { level: 'data' }, { progress: (one) => progress.push(one) });
    const index = await vault.index();
    expect(whole).toMatchObject({
      damage: [],
      checked: { packs: index.packs.length, chunks: index.chunkCount },
    });
    expect(progress.filter(({ phase }) => phase === 'data').at(-1)!.total).toBe(whole.checked.bytes);

    const frames = Array.from({ length: index.frameCount }, (_, frame) => index.frame(frame));
    const largest = (wanted: FrameMethod) =>
      frames.filter(({ method }) => method === wanted).toSorted((a, b) => b.plainBytes - a.plainBytes)[0]!;
    const [delta, raw] = [largest(FrameMethod.delta), largest(FrameMethod.raw)];
    for (const { pack, offset } of [delta, raw]) {
      const object = `packs/${pack.slice(0, 2)}/${pack}.pack`;
      const file = join(built.directory, object);
      const bytes = readFileSync(file);
      const flipped = Buffer.from(bytes);
      flipped[offset + 30] = flipped[offset + 30]! ^ 4;
      writeFileSync(file, flipped);
      const { damage, checked } = await verify(await built.reopen(), { level: 'data' });
      expect(checked.bytes).toBe(whole.checked.bytes);
      expect(damage).toEqual([expect.objectContaining({ object, paths: ['files/workspace/large.bin'] })]);
      writeFileSync(file, bytes);
    }
  });
});
