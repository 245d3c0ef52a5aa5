/** An empty record that has no keys but those it is given: files may be called `constructor` and `__proto__`. */
export function bareRecord<Value>(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>;
}
