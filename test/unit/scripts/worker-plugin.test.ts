import { once } from 'node:events';
import path from 'node:path';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { workerPlugin } from '../../../scripts/worker-plugin.mjs';
import workerSource from './worker-answer.ts?worker';

async function firstMessage(source: string): Promise<unknown> {
  const worker = new Worker(source, { eval: true });
  try {
    const [message] = (await once(worker, 'message')) as unknown[];
    return message;
  } finally {
    await worker.terminate();
  }
}

test('a worker imported in a test runs with everything it imports', async () => {
  expect(await firstMessage(workerSource)).toBe('the worker answers');
});

test('a worker imported in a bundle runs with everything it imports', async () => {
  const bundle = await build({
    stdin: {
      contents: `import source from './worker-answer.ts?worker'; console.log(source);`,
      resolveDir: path.resolve(import.meta.dirname),
    },
    bundle: true,
    write: false,
    format: 'cjs',
    plugins: [workerPlugin({ minify: true })],
  });
  const printed: string[] = [];
  const console = { log: (text: string) => printed.push(text) };
  runInNewContext(bundle.outputFiles[0]!.text, { console });
  expect(await firstMessage(printed[0]!)).toBe('the worker answers');
});
