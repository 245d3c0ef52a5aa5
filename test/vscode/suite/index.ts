import { inspect } from 'node:util';
import Mocha from 'mocha';
import * as vscode from 'vscode';
import { grepVariable, tell } from './results.ts';

const { EVENT_HOOK_BEGIN, EVENT_TEST_BEGIN, EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING } =
  Mocha.Runner.constants;

/**
 * Runs the suite inside the extension host. `load` imports the files with the tests, which may only be done once
 * mocha listens. Rejects when a test fails: desktop VS Code then ends with an error.
 */
export async function runSuite(load: () => Promise<unknown>): Promise<void> {
  const mocha = new Mocha({ ui: 'tdd', timeout: 60_000, reporter: Mocha.reporters.Base });
  const only = process.env[grepVariable];
  if (only) mocha.fgrep(only);
  mocha.suite.emit(Mocha.Suite.constants.EVENT_FILE_PRE_REQUIRE, globalThis, '', mocha);
  let failures: number;
  try {
    await load();
    failures = await new Promise<number>((resolve) => {
      mocha
        .run(resolve)
        .on(EVENT_HOOK_BEGIN, (hook) => tell({ kind: 'begun', title: hook.fullTitle() }))
        .on(EVENT_TEST_BEGIN, (test) => tell({ kind: 'begun', title: test.fullTitle() }))
        .on(EVENT_TEST_PASS, (test) =>
          tell({ kind: 'passed', title: test.fullTitle(), durationMs: test.duration ?? 0 }),
        )
        .on(EVENT_TEST_PENDING, (test) => tell({ kind: 'skipped', title: test.fullTitle() }))
        .on(EVENT_TEST_FAIL, (test, error: unknown) =>
          tell({ kind: 'failed', title: test.fullTitle(), error: inspect(error) }),
        );
    });
  } catch (error) {
    tell({ kind: 'failed', title: 'The suite loads', error: inspect(error) });
    throw error;
  } finally {
    tell({ kind: 'end', editor: `${vscode.env.appName} ${vscode.version}, ${vscode.env.appHost}` });
  }
  if (failures > 0) throw new Error(`${failures} tests failed.`);
}
