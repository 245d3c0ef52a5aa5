import { expect, test } from 'vitest';
import { Columns, fittingWidths } from '../../../../src/webview/rows/columns.ts';

test('only columns that are at least partly seen are shown', () => {
  const columns = new Columns([100, 50, 200, 80]);
  const visible = (left: number, right: number): number[] => {
    const { first, end } = columns.visible(left, right);
    return [first, end];
  };
  expect(visible(0, 100)).toEqual([0, 1]);
  expect(visible(99, 101)).toEqual([0, 2]);
  expect(visible(100, 351)).toEqual([1, 4]);
  expect(visible(350, 1000)).toEqual([3, 4]);
  expect(visible(430, 1000)).toEqual([4, 4]);
  expect([columns.width, columns.left(2)]).toEqual([430, 150]);
});

test('columns are as wide as what stands in them, and a change needs room for both values', () => {
  const column = { name: 'n', type: 't', on: 'both', isKey: false } as const;
  const widthOf = (before: string, after: string): number =>
    fittingWidths([column], [{ change: 'changed', before: [before], after: [after] }], 10)[0]!;
  expect(widthOf('1234567890', '123456789x')).toBeGreaterThan(widthOf('1234567890', '1234567890') + 90);
  expect(widthOf('x'.repeat(5000), 'x')).toBeLessThan(500);
  // Padding of the cell and of both values, and the arrow.
  expect(widthOf('ab', 'cd')).toBeGreaterThanOrEqual(17 + 20 + 20 + 18 + 10);
  expect(widthOf('', 'open')).toBeGreaterThanOrEqual(widthOf('empty', 'open'));
});

test('Chinese characters and pictures are twice as wide', () => {
  const widthOf = (name: string, text: string): number => {
    const column = { name, type: 'text', on: 'both', isKey: false } as const;
    return fittingWidths([column], [{ change: 'added', before: null, after: [text] }], 10)[0]!;
  };
  expect(widthOf('n', '上海浦东发展银行股份有限公司')).toBe(widthOf('n', 'x'.repeat(28)));
  expect(widthOf('n', '한국어😀 カナ')).toBe(widthOf('n', 'x'.repeat(13)));
  expect(widthOf('公司名称', '')).toBe(widthOf('xxxxxxxx', ''));
});
