import { fact } from '../base/fact.js';
import { property, stringProperty } from './node-internals.js';

/** Longer functions are no library's listener, and are not searched. */
const MAX_SOURCE = 4_000;

/** The listeners that an emitter has for an event; those added by once() as they were given. None where it does not tell. */
export function listenersFor(emitter: unknown, event: string): readonly unknown[] {
  const listeners = property(emitter, 'listeners');
  if (typeof listeners !== 'function') return [];
  const found: unknown = fact(() => Reflect.apply(listeners, emitter, [event]) as unknown, []);
  return Array.isArray(found) ? found : [];
}

/** Whether one of them is called that. */
export function hasListenerNamed(emitter: unknown, event: string, name: string): boolean {
  return listenersFor(emitter, event).some((listener) => stringProperty(listener, 'name') === name);
}

/** Whether the code of one of them holds this text: a string that outlives a bundler, and that one library alone has there. */
export function hasListenerWith(emitter: unknown, event: string, text: string): boolean {
  return listenersFor(emitter, event).some((listener) => sourceOf(listener).includes(text));
}

function sourceOf(listener: unknown): string {
  if (typeof listener !== 'function') return '';
  const source = fact(() => Function.prototype.toString.call(listener), '');
  return source.length > MAX_SOURCE ? '' : source;
}
