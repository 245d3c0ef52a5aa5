import { describe, expect, test } from 'vitest';
import { placeInSetFile } from '../../../src/vscode/set-file-place.ts';

const TEXT = `// "name": "shop"
{
  "version": 1,
  "sets": [
    {
      "name": "crm", // no "schedule": []
      "databases": [{ "name": "shop", "url": "sqlite:shop.db" }],
    },
    {
      "schedule": [{ "every": "week" }],
      "name": "shop",
    },
    { "name": "a \\"b\\"", "schedule": [{ "every": "day" }] },
  ]
}`;

/** What stands at the place of a key. */
function at(set: string | undefined, key: 'name' | 'schedule', text = TEXT): string {
  return text.slice(placeInSetFile(text, set, key)).split('\n')[0]!;
}

describe('in a set file', () => {
  test('a set is found by its own name, not by that of a database or a comment', () => {
    expect(at('shop', 'name')).toBe('"name": "shop",');
    expect(at('a "b"', 'name')).toMatch(/^"name": "a/);
  });

  test('the schedule of a set is its own; one that has none is found by its name', () => {
    expect(at('shop', 'schedule')).toMatch(/"week"/);
    expect(at('a "b"', 'schedule')).toMatch(/"day"/);
    expect(at('crm', 'schedule')).toMatch(/^"name": "crm"/);
    expect(at(undefined, 'schedule')).toMatch(/"week"/);
  });

  test('what is not there is its beginning, and mistakes do not hide what can be read', () => {
    expect(placeInSetFile(TEXT, 'other', 'schedule')).toBe(0);
    expect(placeInSetFile('', 'crm', 'name')).toBe(0);
    expect(placeInSetFile('{ "sets": 7 }', undefined, 'schedule')).toBe(0);
    expect(at('shop', 'schedule', TEXT.slice(0, TEXT.indexOf('"a ')))).toMatch(/"week"/);
  });
});
