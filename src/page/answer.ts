import { createHash } from 'node:crypto';
import { monotonicMs, wallClockMs } from '../base/clock.js';
import { inspectValue } from '../base/errors.js';
import { nextTurn } from '../base/turns.js';
import type { Asked } from './access.js';
import { refusalOf, type Authorize } from './authorize.js';
import type { SocketsPageData } from './data.js';
import { pageHtml, pagePolicy } from './html.js';

/** What is asked, in the words of node:http. */
export interface PageRequest extends Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
}

export interface PageAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Who asks within this time gets what was put together last, ms: however many look, the cost is that of one. */
const GOOD_FOR_MS = 1_000;
/** Ages grow by themselves where nothing else changes; the sentences that have one are told again after so long, ms. */
const SENTENCES_GOOD_FOR_MS = 10_000;

interface Content {
  readonly json: string;
  readonly etag: string;
}

/** https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html */
const HEADERS = Object.freeze({
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  vary: 'accept',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
});

/** Answers for the page: who may see it, in which form, and what. The frameworks write what it returns. */
export class PageAnswers<Request> {
  readonly #read: () => SocketsPageData | Promise<SocketsPageData>;
  readonly #authorize: Authorize<Request> | undefined;
  readonly #onFailure: (error: unknown) => void;
  #content: Promise<Content> | undefined;
  #contentAtMs = 0;

  /**
   * @param read puts together what is shown
   * @param onFailure told what `authorize` threw
   */
  constructor(
    read: () => SocketsPageData | Promise<SocketsPageData>,
    authorize: Authorize<Request> | undefined,
    onFailure: (error: unknown) => void,
  ) {
    this.#read = read;
    this.#authorize = authorize;
    this.#onFailure = onFailure;
  }

  /** @param request what `authorize` is asked about */
  async answer(asked: PageRequest, request: Request): Promise<PageAnswer> {
    const { method, url = '', headers } = asked;
    if (method !== 'GET' && method !== 'HEAD') return text(405, 'it takes GET and HEAD.', { allow: 'GET, HEAD' });
    const refusal = await refusalOf(asked, request, this.#authorize, this.#onFailure);
    if (refusal !== undefined) return text(403, refusal);
    const format = new URLSearchParams(/\?(.*)/.exec(url)?.[1]).get('format') ?? formatOf(headers.accept);
    if (format === 'html') return { status: 200, headers: typed('text/html; charset=utf-8'), body: pageHtml() };
    if (format !== 'json') return text(400, `format is ${inspectValue(format)}; it takes json or html.`);
    const { json, etag } = await this.#current();
    if (headers['if-none-match'] === etag)
      return { status: 304, headers: { ...HEADERS, 'content-security-policy': pagePolicy(), etag }, body: '' };
    return { status: 200, headers: { ...typed('application/json; charset=utf-8'), etag }, body: json };
  }

  #current(): Promise<Content> {
    const nowMs = monotonicMs();
    if (!this.#content || nowMs - this.#contentAtMs >= GOOD_FOR_MS) {
      this.#contentAtMs = nowMs;
      this.#content = this.#make();
    }
    return this.#content;
  }

  async #make(): Promise<Content> {
    const data = await this.#read();
    await nextTurn();
    return { json: `${JSON.stringify(data)}\n`, etag: etagOf(data) };
  }
}

/** A browser that shows it wants HTML; what does not say so, as curl, gets the JSON. */
function formatOf(accept: string | readonly string[] | undefined): 'html' | 'json' {
  const qualities = String(accept ?? '')
    .toLowerCase()
    .split(',')
    .map((range) => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
      const quality = parameters.find((part) => part.startsWith('q='))?.slice(2);
      return [type, quality === undefined ? 1 : Number(quality) || 0] as const;
    });
  const qualityOf = (type: string): number => qualities.find(([name]) => name === type)?.[1] ?? 0;
  const html = qualityOf('text/html');
  return html > 0 && html >= qualityOf('application/json') ? 'html' : 'json';
}

function typed(type: string): Record<string, string> {
  return { ...HEADERS, 'content-security-policy': pagePolicy(), 'content-type': type };
}

function text(status: number, why: string, headers: Readonly<Record<string, string>> = {}): PageAnswer {
  const body = `close-wait-guard: this page is not for this request: ${why}\n`;
  return { status, headers: { ...typed('text/plain; charset=utf-8'), ...headers }, body };
}

/** Weak (RFC 9110, 8.8.1): the same where only ages differ. */
function etagOf({ totals, groups, ended, processes }: SocketsPageData): string {
  const [last] = ended;
  const said = [
    totals,
    groups.map(({ fingerprint, count, oldest: { leak } }) => [fingerprint, count, leak.id, leak.kind, leak.cause]),
    last && [last.time, last.leak.id],
    processes.map(({ pid, threadId, supported }) => [pid, threadId, supported]),
    Math.floor(wallClockMs() / SENTENCES_GOOD_FOR_MS),
  ];
  return `W/"${createHash('sha256').update(JSON.stringify(said)).digest('base64url').slice(0, 22)}"`;
}
