import { describe, expect, it } from 'vitest';
import {
  counted,
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatRatio,
} from '../../../src/cli/quantity.ts';
import { displayWidth, formatFacts, formatTable } from '../../../src/cli/table.ts';

describe('quantities', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [10_188, '9.9 KiB'],
    [10_230, '10 KiB'],
    [1_048_000, '1023 KiB'],
    [1_048_500, '1.0 MiB'],
    [183 * 1024 ** 2, '183 MiB'],
    [5 * 1024 ** 4, '5.0 TiB'],
  ])('%i bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    [85, '85 ms'],
    [999.4, '999 ms'],
    [1000, '1.0 s'],
    [59_900, '59.9 s'],
    [59_980, '1 min 0 s'],
    [250_000, '4 min 10 s'],
    [7_500_000, '2 h 5 min'],
  ])('%d ms are %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it.each([
    [0, 'just now'],
    [5 * 60_000, '5 min ago'],
    [3 * 3_600_000, '3 h ago'],
    [30 * 3_600_000, 'yesterday'],
    [12 * 86_400_000, '12 days ago'],
    [-10 * 60_000, 'in the future'],
  ])('%d ms ago is %s', (ms, text) => {
    expect(formatAge(1_700_000_000_000 - ms, 1_700_000_000_000)).toBe(text);
  });

  it('sets thousands apart and finds the right noun', () => {
    expect(formatCount(1_234_567)).toBe('1,234,567');
    expect(counted(1, 'file')).toBe('1 file');
    expect(counted(1000, 'entry', 'entries')).toBe('1,000 entries');
    expect([formatRatio(4.25), formatRatio(49_816), formatRatio(null)]).toEqual(['4.3×', '49,816×', '']);
  });
});

describe('a table', () => {
  it('aligns its columns whatever their script and colour, and leaves out empty ones', () => {
    const text = formatTable(
      [{ title: 'NAME' }, { title: 'NOTE' }, { title: 'SIZE', align: 'right' }, { title: '' }],
      [
        ['中文', '', '1 B', 'x'],
        ['\u001b[36mplain\u001b[39m', '', '812 KiB', ''],
        ['👩‍👩‍👧', '', '', ''],
      ],
    );
    expect(text.split('\n')).toEqual([
      'NAME      SIZE',
      '中文       1 B  x',
      '\u001b[36mplain\u001b[39m  812 KiB',
      '👩‍👩‍👧',
    ]);
  });

  it('knows how wide text is', () => {
    expect(['abc', 'é', 'e\u0301', '中文', '😀', '×'].map(displayWidth)).toEqual([3, 1, 1, 4, 2, 1]);
  });

  it('lists facts below each other, without empty ones', () => {
    expect(
      formatFacts([
        ['set', 'crm'],
        ['label', ''],
        ['created', 'now'],
      ]),
    ).toBe('set      crm\ncreated  now');
  });
});
