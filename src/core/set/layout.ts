const LINE_WIDTH = 100;

/**
 * JSON as people write it: the value's members each on a line of their own, what is inside them on one line where
 * it fits. `indent` is what the lines after the first begin with, `unit` one step of indentation.
 */
export function onSeveralLines(value: object, indent: string, unit: string): string {
  const inner = indent + unit;
  const members = Array.isArray(value)
    ? value.map((item) => layoutJson(item, inner, unit))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${layoutJson(item, inner, unit)}`);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  return `${open}\n${members.map((member) => inner + member).join(',\n')}\n${indent}${close}`;
}

function layoutJson(value: unknown, indent: string, unit: string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const line = onOneLine(value);
  return indent.length + line.length <= LINE_WIDTH ? line : onSeveralLines(value, indent, unit);
}

function onOneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${onOneLine(item)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}
