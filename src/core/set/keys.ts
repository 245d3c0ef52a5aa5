import { findNodeAtLocation, type JSONPath, type Node } from 'jsonc-parser';
import { nearestWord } from './nearest-word.ts';
import { subjectOf } from './sentences.ts';

/** As much of a valibot schema as it takes to follow its keys. */
interface Shape {
  readonly type: string;
  readonly wrapped?: Shape;
  readonly entries?: Readonly<Record<string, Shape>>;
  readonly item?: Shape;
  readonly options?: readonly unknown[];
}

interface KeyMistake {
  readonly offset: number;
  readonly message: string;
}

/**
 * Keys that the schema does not know, keys that stand twice, and lists where an object belongs. The validation
 * itself tells none of them: it stops at an object's first unknown key, of two equal keys the value has only the
 * last, and it takes a list for an object without keys. `path` leads from the file to the node.
 */
export function findKeyMistakes(node: Node, schema: Shape, path: JSONPath = []): KeyMistake[] {
  const shape = shapeFor(node, schema);
  if (node.type === 'array' && shape.item) {
    const { item } = shape;
    return (node.children ?? []).flatMap((child, index) => findKeyMistakes(child, item, [...path, index]));
  }
  if (node.type === 'array' && shape.entries) {
    return [{ offset: node.offset, message: `${subjectOf(path)} must be an object, not a list` }];
  }
  if (node.type !== 'object' || !shape.entries) return [];

  const { entries } = shape;
  const seen = new Set<string>();
  return (node.children ?? []).flatMap((property) => {
    const [keyNode, valueNode] = property.children ?? [];
    if (!keyNode) return [];
    const { offset } = keyNode;
    const key = String(keyNode.value);
    if (seen.has(key)) return [{ offset, message: `the key “${key}” stands here twice` }];
    seen.add(key);
    const entry = Object.hasOwn(entries, key) ? entries[key] : undefined;
    if (!entry) return [{ offset, message: unknownKey(key, node, Object.keys(entries)) }];
    return valueNode ? findKeyMistakes(valueNode, entry, [...path, key]) : [];
  });
}

/** The shape that a value is meant to have; of several, that of its own type. */
function shapeFor(node: Node, schema: Shape): Shape {
  const shape = unwrapped(schema);
  const options = ((shape.options ?? []) as readonly (Shape | string)[]).filter(
    (each) => typeof each === 'object',
  );
  const key = node.type === 'array' ? 'item' : 'entries';
  return options.map(unwrapped).find((option) => option[key] !== undefined) ?? shape;
}

function unwrapped(schema: Shape): Shape {
  let shape = schema;
  while (shape.wrapped) shape = shape.wrapped;
  return shape;
}

function unknownKey(key: string, object: Node, known: readonly string[]): string {
  const free = known.filter((name) => !findNodeAtLocation(object, [name]));
  const meant = nearestWord(key, free);
  return meant === undefined ? `unknown key “${key}”` : `unknown key “${key}”; did you mean “${meant}”?`;
}
