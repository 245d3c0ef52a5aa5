import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  endHandover,
  handedOverWorkspaces,
  readSchedule,
  writeSchedule,
} from '../../../../src/core/schedule/state.ts';
import { temporaryFolder } from '../../../build/tree.ts';

it('a workspace that moved and left a link stays handed over until it is taken back', async () => {
  await using folder = temporaryFolder();
  const [home, old, now] = ['home', 'old', 'now'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  const handOver = (workspace: string) =>
    writeSchedule(home, { ...readSchedule(home, workspace), isHandedOver: true });
  mkdirSync(old);
  handOver(old);
  renameSync(old, now);
  symlinkSync(now, old);
  expect(handedOverWorkspaces(home)).toEqual([now]);
  handOver(old);
  expect(handedOverWorkspaces(home)).toEqual([now]);
  expect(readSchedule(home, now)).toEqual(readSchedule(home, old));
  endHandover(home, now);
  expect(handedOverWorkspaces(home)).toEqual([]);
});
