import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { viteWorkerPlugin } from './scripts/worker-plugin.mjs';

export default defineConfig({
  test: {
    // Some tests change the process itself (umask, environment, kill): each file gets its own.
    pool: 'forks',
    // Tests wait for servers and programs as much as they compute.
    maxWorkers: Math.max(3, availableParallelism()),
    projects: [
      {
        plugins: [viteWorkerPlugin()],
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/integration/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'user',
          include: ['test/vscode/user/**/*.test.ts'],
          // Each file starts a server and a browser of its own.
          fileParallelism: false,
          // A window that another program kept waiting fails by time alone; the summary names who needed it.
          retry: 1,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
