import { createInterface } from 'node:readline/promises';
import { clearTimeout, setTimeout } from 'node:timers';
import { safeText } from '../../base/escape.js';
import type { CommandIo } from './command.js';

/** What takes no longer is not talked about. */
const PROGRESS_AFTER_MS = 1_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** To the beginning of the line, and erase it: ECMA-48. */
const ERASE_LINE = '\r\u001b[K';

export interface OpenIo extends CommandIo {
  /** The signal that asked it to end, once one did. */
  endedBy(): NodeJS.Signals | undefined;
  /** Gives signals and terminal back. */
  close(): void;
}

/** The io of this process. */
export function openIo(): OpenIo {
  const abort = new AbortController();
  let endedBy: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    endedBy ??= signal;
    abort.abort();
    // Whoever asks a second time does not want to wait for the cleaning up.
    for (const each of SIGNALS) process.off(each, onSignal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // `… | head`: nobody is there to read what else is found.
  const onError = (): void => abort.abort();
  process.stdout.on('error', onError);
  process.stderr.on('error', onError);
  const progress = progressOn(process.stderr);
  return {
    out: (text) => {
      progress.hide();
      process.stdout.write(text);
    },
    note: (text) => {
      progress.hide();
      process.stderr.write(text);
    },
    isTerminal: process.stdout.isTTY,
    columns: process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY,
    signal: abort.signal,
    progress: (text) => progress.show(text),
    confirm: process.stdin.isTTY && process.stderr.isTTY ? (question) => ask(question, abort.signal) : undefined,
    endedBy: () => endedBy,
    close: () => {
      progress.show(undefined);
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}

function progressOn(stream: NodeJS.WriteStream): { show(text: string | undefined): void; hide(): void } {
  let timer: NodeJS.Timeout | undefined;
  let visible = false;
  const hide = (): void => {
    if (visible) stream.write(ERASE_LINE);
    visible = false;
  };
  return {
    hide,
    show: (text) => {
      clearTimeout(timer);
      hide();
      if (text === undefined) return;
      timer = setTimeout(() => {
        visible = stream.isTTY;
        stream.write(stream.isTTY ? safeText(text).slice(0, stream.columns - 1) : `${safeText(text)}\n`);
      }, PROGRESS_AFTER_MS).unref();
    },
  };
}

async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // readline takes Ctrl-C for itself.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    return /^\s*y(?:es)?\s*$/i.test(await terminal.question(`${question} [y/N] `, { signal }));
  } finally {
    terminal.close();
  }
}
