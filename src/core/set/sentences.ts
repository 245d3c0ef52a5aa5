import { type ParseErrorCode, printParseErrorCode } from 'jsonc-parser';
import type * as v from 'valibot';
import { nearestWord } from './nearest-word.ts';

/** A plain sentence about an issue of the validation; undefined for what `keys.ts` tells. */
export function sentenceOf(issue: v.BaseIssue<unknown>): string | undefined {
  const subject = subjectOf((issue.path ?? []).map(({ key }) => key));
  if (issue.kind === 'validation' || issue.type === 'union') return `${subject} ${issue.message}`;
  const inner = issue.path?.at(-1);
  if (inner?.origin === 'key') {
    const told = issue.expected === 'never' || Array.isArray(inner.input);
    return told ? undefined : `${subject} is missing`;
  }
  switch (issue.type) {
    case 'picklist':
      return `${subject} must be ${oneOf(choicesOf(issue))}${correction(issue.input, choicesOf(issue))}`;
    case 'literal':
      return typeof issue.input === 'number' && issue.input > 1
        ? `${subject} is ${String(issue.input)}, which a newer CRM Backup wrote; update this one`
        : `${subject} must be ${String(issue.expected)}`;
    default:
      return `${subject} must be ${expectedType(issue.type)}, not ${typeOf(issue.input)}`;
  }
}

/** A plain sentence about text that is not JSON. */
export function syntaxSentence(error: ParseErrorCode): string {
  switch (printParseErrorCode(error)) {
    case 'InvalidSymbol':
      return 'this word must be in quotation marks';
    case 'InvalidNumberFormat':
      return 'this is not a number';
    case 'PropertyNameExpected':
      return 'a key in quotation marks is missing here';
    case 'ValueExpected':
      return 'a value is missing here';
    case 'ColonExpected':
      return 'a colon is missing here';
    case 'CommaExpected':
      return 'a comma is missing here';
    case 'CloseBraceExpected':
      return 'a closing “}” is missing here';
    case 'CloseBracketExpected':
      return 'a closing “]” is missing here';
    case 'EndOfFileExpected':
      return 'the file should end here';
    case 'UnexpectedEndOfComment':
      return 'this comment is not closed';
    case 'UnexpectedEndOfString':
      return 'this text is not closed';
    case 'UnexpectedEndOfNumber':
      return 'this number is not complete';
    case 'InvalidUnicode':
    case 'InvalidEscapeCharacter':
      return 'this text has a “\\” that begins no escape; write “\\\\” for the character itself';
    default:
      return 'this is not JSON';
  }
}

/** What stands at a path, as the subject of a sentence: `“name”`, `item 2 of “include”`. */
export function subjectOf(path: readonly unknown[]): string {
  const last = path.at(-1);
  if (typeof last === 'string') return `“${last}”`;
  if (typeof last === 'number') return `item ${String(last + 1)} of “${String(path.at(-2))}”`;
  return 'the file';
}

function choicesOf(issue: v.BaseIssue<unknown>): readonly string[] {
  return Array.from(String(issue.expected).matchAll(/"([^"]*)"/g), ([, choice = '']) => choice);
}

function oneOf(choices: readonly string[]): string {
  return choices.length === 1
    ? `“${choices[0] ?? ''}”`
    : `one of ${choices.map((choice) => `“${choice}”`).join(', ')}`;
}

function correction(input: unknown, choices: readonly string[]): string {
  const meant = typeof input === 'string' ? nearestWord(input, choices) : undefined;
  return meant === undefined ? '' : `; did you mean “${meant}”?`;
}

// Values are not repeated: one may be a password in the wrong place.
function typeOf(input: unknown): string {
  if (input === null) return 'null';
  if (Array.isArray(input)) return 'a list';
  return TYPES[typeof input] ?? 'this';
}

function expectedType(type: string): string {
  return TYPES[type] ?? 'something else';
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  strict_object: 'an object',
};
