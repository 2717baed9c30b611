import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** What is done with the messages of each diagnostics channel. */
export type Handlers = Readonly<Record<string, (message: never) => void>>;

/**
 * Subscribes to these channels and returns its dispose function. `onError` is told of a message that could not be handled: what a
 * subscriber throws would end the process as an uncaught exception.
 */
export function subscribeAll(handlers: Handlers, onError: () => void): () => void {
  const subscriptions = Object.entries(handlers).map(([channel, handle]) => {
    const onMessage = (message: unknown): void => {
      try {
        handle(message as never);
      } catch {
        onError();
      }
    };
    subscribe(channel, onMessage);
    return { channel, onMessage };
  });
  return () => {
    for (const { channel, onMessage } of subscriptions) unsubscribe(channel, onMessage);
  };
}
