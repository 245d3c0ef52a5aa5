import { describe, expect, it } from 'vitest';
import { ProgressBar, progressLine } from '../../../src/cli/progress-bar.ts';

function screen(columns = 80): { written: string[]; now: number; bar: ProgressBar } {
  const state = { written: [] as string[], now: 0, bar: undefined as unknown as ProgressBar };
  state.bar = new ProgressBar({
    write: (text) => state.written.push(text),
    columns: () => columns,
    now: () => state.now,
  });
  return state;
}

describe('the progress bar', () => {
  it('tells phase, done of total, rate and time left', () => {
    const line = progressLine({ phase: 'read', done: 1500, total: 3000, unit: 'files' }, 500, 100);
    expect(line).toBe('read     ████████████░░░░░░░░░░░░  1,500/3,000 files  500/s  3.0 s left');
    expect(progressLine({ phase: 'store', done: 1024, unit: 'bytes' }, 0, 100)).toBe('store    1.0 KiB');
  });

  it('never grows beyond its line', () => {
    const progress = { phase: 'verify', done: 123_456, total: 999_999, unit: 'packs' } as const;
    for (let columns = 0; columns < 120; columns++) {
      expect(progressLine(progress, 12_345, columns).length).toBeLessThanOrEqual(columns);
    }
  });

  it('shows nothing for work that is over at once, and redraws at most ten times a second', () => {
    const state = screen();
    for (state.now = 0; state.now < 250; state.now += 10) {
      state.bar.update({ phase: 'scan', done: state.now, unit: 'files' });
    }
    expect(state.written).toEqual([]);
    for (; state.now < 1250; state.now += 10) {
      state.bar.update({ phase: 'scan', done: state.now, unit: 'files' });
    }
    expect(state.written.length).toBe(10);
    expect(state.written.at(-1)?.startsWith('\r\u001b[Kscan ')).toBe(true);
    expect(state.written.at(-1)?.endsWith('  1,000/s')).toBe(true);
  });

  it('counts a new phase from its own beginning', () => {
    const state = screen();
    state.now = 1000;
    state.bar.update({ phase: 'read', done: 5000, unit: 'files' });
    state.now = 2000;
    state.bar.update({ phase: 'store', done: 0, unit: 'bytes' });
    expect(state.written.at(-1)).toBe('\r\u001b[Kstore    0 B');
  });

  it('leaves a clean line', () => {
    const state = screen();
    state.bar.clear();
    expect(state.written).toEqual([]);
    state.now = 1000;
    state.bar.update({ phase: 'read', done: 1, unit: 'files' });
    state.bar.clear();
    expect(state.written.at(-1)).toBe('\r\u001b[K');
  });
});
