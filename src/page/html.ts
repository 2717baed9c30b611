import { createHash } from 'node:crypto';
import { BASICS } from './assets/basics.js';
import { LIVE } from './assets/live.js';
import { STYLE } from './assets/style.js';
import { VIEWS } from './assets/views.js';

const SCRIPT = `'use strict';\n{${BASICS}${VIEWS}${LIVE}}\n`;

let policy: string | undefined;

/**
 * What a browser may do for this page: run its one script, apply its one style sheet, and ask its own origin. Text never becomes
 * markup (Trusted Types). https://www.w3.org/TR/CSP3/
 */
export function pagePolicy(): string {
  return (policy ??= makePolicy());
}

function makePolicy(): string {
  return [
    `default-src 'none'`,
    `script-src '${hashOf(SCRIPT)}'`,
    `style-src '${hashOf(STYLE)}'`,
    `connect-src 'self'`,
    `img-src data:`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
    `require-trusted-types-for 'script'`,
    `trusted-types 'none'`,
  ].join('; ');
}

/** The same for everybody: it holds nothing of any leak, which its script asks for. */
const HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Leaked sockets</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header>
<a class="skip" href="#leaks">Skip to the open leaks</a>
<div class="top">
<div><h1>Leaked sockets</h1><p id="where" class="quiet"></p></div>
<p class="live"><span id="state" class="quiet">Loading</span><button id="pause" type="button">Pause</button></p>
</div>
</header>
<main>
<noscript><p class="trouble">This page needs JavaScript. With ?format=json the same address has its data.</p></noscript>
<p id="trouble" class="trouble" hidden></p>
<section aria-label="Totals"><dl id="totals" class="totals"></dl></section>
<section aria-labelledby="leaks">
<h2 id="leaks" tabindex="-1">Open leaks</h2>
<p id="leaks-note" class="quiet"></p>
<ol id="groups" class="groups"></ol>
</section>
<section aria-labelledby="ended">
<h2 id="ended">Closed after all</h2>
<p id="ended-note" class="quiet"></p>
<div id="ended-table" class="scroll" role="group" aria-labelledby="ended" tabindex="0" hidden>
<table>
<thead><tr><th scope="col">time</th><th scope="col" class="number">age</th><th scope="col">what</th><th scope="col">cause</th><th scope="col">closed</th></tr></thead>
<tbody id="ended-rows"></tbody>
</table>
</div>
</section>
<p id="announce" role="status" class="unseen"></p>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;

export function pageHtml(): string {
  return HTML;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
