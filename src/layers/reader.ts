import type { Reader } from './facts.js';
import { booleanProperty, listenersOf, nameOfClass, pipesOf } from './node-internals.js';
import { isAwaitingDrain, listenerNamesOf } from './stream-internals.js';

/** Classes of the parsers of multipart/form-data that bodies are piped to: busboy's, and those built on it. */
const FORM_PARSERS = new Set(['Busboy', 'Multipart', 'Dicer', 'Form']);
/** What Node calls the 'readable' listener of an async iterator: `next` up to Node 24, `wakeup` from 26 on. */
const ITERATOR = new Set(['next', 'wakeup']);
/** What both undici and Node's adapter for web streams call their 'data' listener. undici's has an 'end' listener beside it. */
const ON_DATA = 'onData';
const ON_FINISHED = 'onFinished';

/** Who reads a stream, as its listeners and its pipes tell. */
export function readerOf(stream: object): Reader {
  const pipes = pipesOf(stream);
  if (pipes.some((each) => FORM_PARSERS.has(nameOfClass(each) ?? ''))) return 'form';
  if (pipes.length > 0) return isAwaitingDrain(stream) ? 'pipe' : 'paused';
  if (listenersOf(stream, 'data') > 0) return readerByData(stream);
  const readable = listenerNamesOf(stream, 'readable');
  if (readable.length > 0) return readable.some((name) => ITERATOR.has(name)) ? 'iterator' : 'readable';
  const flowing = booleanProperty(stream, 'readableFlowing');
  if (flowing === true) return 'flowing';
  if (booleanProperty(stream, 'readableDidRead') === true) return 'lost';
  return flowing === false ? 'stopped' : 'none';
}

function readerByData(stream: object): Reader {
  if (booleanProperty(stream, 'readableFlowing') === true) return 'flowing';
  if (!listenerNamesOf(stream, 'data').includes(ON_DATA)) return 'paused';
  return listenerNamesOf(stream, 'end').includes(ON_FINISHED) ? 'undici' : 'web-stream';
}
