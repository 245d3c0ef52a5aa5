import { defineConfig } from 'vitest/config';
import { viteWorkerPlugin } from './scripts/worker-plugin.mjs';

// eslint-disable-next-line no-restricted-exports -- vitest reads the default export
export default defineConfig({
  plugins: [viteWorkerPlugin()],
  test: {
    include: ['test/unit/**/*.test.ts', 'test/integration/**/*.test.ts'],
    environment: 'node',
    // Some tests change the process itself (umask, environment, kill): each file gets its own.
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
