import type { EventEmitter } from 'node:events';
import { subscribeAll } from '../../base/channels.js';
import { noteFactFailure } from '../../base/fact.js';
import { isObject } from '../../base/objects.js';
import type { Guard } from '../../guard/guard.js';
import { internalsOf, type GuardInternals } from '../../guard/internals.js';
import type { SpanIds } from '../../layers/spans.js';
import type { OtelApi, OtelContext } from './api.js';

/** Of no event that anybody else knows, so its listeners are ours alone. */
const PROBE = Symbol('close-wait-guard.probe');
/** What Fastify's channel told of a message, and what was active before any code of the application saw it. */
const kNoted = Symbol.for('close-wait-guard.span');
const kBefore = Symbol.for('close-wait-guard.span-before');

type Message = EventEmitter & { [kNoted]?: SpanIds | undefined; [kBefore]?: SpanIds | undefined };

/**
 * Has reports name the span that a request was served in, or asked for in, where its headers do not. Returns its dispose function.
 *
 * The span of a request is not made yet when Node announces the request, and no longer active when its socket is looked at. But the
 * instrumentation of node:http binds the message to its context: listeners that are added to it later run in that context. So
 * one is added when a leak is described, called and taken off again, and no other request pays for it.
 *
 * Who brings an instrumentation for Fastify and none for node:http has a span when the handler is called, and Fastify tells of that.
 */
export function followSpans(api: OtelApi, guard: Guard): () => void {
  const active = (): SpanIds | undefined => spanIn(api, api.context.active());
  // A guard that another version of this library made may not have it.
  const internals: Partial<GuardInternals> = internalsOf(guard);
  const stopReading = internals.readSpansWith?.({
    ofRequest: (message) => boundSpan(api, message as Message) ?? (message as Message)[kNoted],
    active,
  });
  const unsubscribe = subscribeAll(
    {
      'http.server.request.start': ({ request }: { readonly request: Message }) => {
        const before = active();
        if (before) request[kBefore] = before;
      },
      'tracing:fastify.request.handler:start': ({ request }: { readonly request?: { readonly raw?: Message } }) => {
        const message = request?.raw;
        const span = isObject(message) ? active() : undefined;
        // A server that was started inside a span has it active in every request.
        if (!message || !span || message[kBefore]?.spanId === span.spanId) return;
        message[kNoted] = span;
      },
    },
    () => noteFactFailure(new Error('a span could not be read')),
  );
  return () => {
    stopReading?.();
    unsubscribe();
  };
}

/** The span of the context that listeners of this message run in, where that is one of its own. */
function boundSpan(api: OtelApi, message: Message): SpanIds | undefined {
  // Whoever listens for new listeners would hear of ours.
  if (typeof message.on !== 'function' || message.listenerCount('newListener') > 0) return undefined;
  let found: SpanIds | undefined;
  const listener = (): void => {
    found = spanIn(api, api.context.active());
  };
  // Outside of every span: what is active here is not the request's.
  api.context.with(api.ROOT_CONTEXT, () => {
    message.on(PROBE, listener);
    try {
      message.emit(PROBE);
    } finally {
      message.removeListener(PROBE, listener);
    }
  });
  return found;
}

function spanIn(api: OtelApi, context: OtelContext): SpanIds | undefined {
  const span = api.trace.getSpanContext(context);
  if (!span || !api.isSpanContextValid(span)) return undefined;
  const { traceId, spanId, traceFlags } = span;
  return { traceId, spanId, traceFlags: (traceFlags & 0xff).toString(16).padStart(2, '0') };
}
