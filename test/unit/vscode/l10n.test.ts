import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import manifest from '../../../package.json';
import manifestTexts from '../../../package.nls.json';
import { root } from '../../../scripts/bootstrap.mjs';
import { collectTexts } from '../../../scripts/l10n.mjs';

type Texts = Readonly<Record<string, string>>;

const folder = path.join(root, manifest.l10n);

function read(...place: string[]): Texts {
  return JSON.parse(readFileSync(path.join(...place), 'utf8')) as Texts;
}

/** The languages there is any file of, by the names VS Code has for them. */
function languages(): readonly string[] {
  const names = [...readdirSync(folder), ...readdirSync(root)];
  const found = names.flatMap((name) => /^(?:bundle\.l10n|package\.nls)\.(.+)\.json$/.exec(name)?.[1] ?? []);
  return [...new Set(found)];
}

/** What must be the same in every language: where values go in, and the commands of links. */
function fixedParts(text: string): readonly string[] {
  return (text.match(/\{\d+\}|\]\([^)]*\)|`[^`]*`|\n/g) ?? []).sort();
}

function expectTranslated(english: Texts, translated: Texts): void {
  expect(Object.keys(translated).sort()).toEqual(Object.keys(english).sort());
  for (const [key, text] of Object.entries(english)) {
    const there = translated[key] ?? '';
    expect(there.trim(), key).not.toBe('');
    expect(fixedParts(there), key).toEqual(fixedParts(text));
    expect(there.endsWith('…'), key).toBe(text.endsWith('…'));
  }
}

describe('the texts', () => {
  test('of the code are collected: node scripts/l10n.mjs', () => {
    expect(read(folder, 'bundle.l10n.json')).toEqual(collectTexts());
  });

  test('are there in Simplified Chinese', () => {
    expect(languages()).toContain('zh-cn');
  });

  test.each(languages())('of the code are complete in %s, with the same values and links', (language) => {
    expectTranslated(collectTexts(), read(folder, `bundle.l10n.${language}.json`));
  });

  test.each(languages())('of the manifest are complete in %s, with the same values and links', (language) => {
    expectTranslated(manifestTexts, read(root, `package.nls.${language}.json`));
  });
});
