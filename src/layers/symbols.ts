import { fact } from '../base/fact.js';
import { objectProperty, property } from './node-internals.js';

// What Node and its packages keep under symbols of their own: an object's own symbol is found by what it is called.

/** The object's own symbol of that description; undefined also of what is no object. */
export function symbolNamed(object: unknown, description: string): symbol | undefined {
  if (typeof object !== 'object' || object === null) return undefined;
  for (const symbol of fact(() => Object.getOwnPropertySymbols(object), []))
    if (symbol.description === description) return symbol;
  return undefined;
}

/** What an object has under its own symbol of that description. */
export function underSymbol(object: unknown, description: string): unknown {
  const key = symbolNamed(object, description);
  return key && property(object, key);
}

/** The same, of what it inherits too: a plugin's instance of Fastify inherits from the application's. */
export function underInheritedSymbol(object: unknown, description: string): unknown {
  for (let owner = object; owner != null; owner = fact(() => Object.getPrototypeOf(owner) as unknown, null)) {
    const key = symbolNamed(owner, description);
    if (key) return property(object, key);
  }
  return undefined;
}

/** What is under its own symbol, where it is an object. */
export function objectUnderSymbol(object: unknown, description: string): object | undefined {
  const key = symbolNamed(object, description);
  return key && objectProperty(object, key);
}
