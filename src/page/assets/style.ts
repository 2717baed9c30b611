/** The page's style sheet. Colours keep WCAG's contrast of 4.5 in both schemes, which a test measures. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --card: #fff; --text: #1a1f27; --quiet: #56606e; --line: #d5dae1; --link: #0b57d0;
  --code: #f0f2f5; --good: #17652f;
  --close-wait: #7a4300; --close-wait-back: #ffeed6; --reset: #9b1c1c; --reset-back: #fde6e6;
  --stalled: #5b2da0; --stalled-back: #efe6fd;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #111419; --card: #1a1f26; --text: #e6eaf0; --quiet: #9fabba; --line: #303946; --link: #8ab4f8;
    --code: #12161c; --good: #7bd694;
    --close-wait: #ffc98c; --close-wait-back: #3d2b12; --reset: #ffb3b3; --reset-back: #451d1d;
    --stalled: #d5c0ff; --stalled-back: #312450;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; background: var(--page); color: var(--text); }
body { margin: 0 auto; padding: 1.25rem clamp(0.9rem, 3vw, 2rem) 3rem; max-width: 72rem; overflow-wrap: anywhere; }
h1, h2, h3, p, dl, dd, ol { margin: 0; padding: 0; }
h1 { font-size: 1.5rem; line-height: 1.25; letter-spacing: -0.01em; }
h2 { font-size: 1.1rem; margin: 2rem 0 0.25rem; }
h3 { font: 600 1.05rem/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
h2:focus, h3:focus { outline: none; }
h2:focus-visible, h3:focus-visible, a:focus-visible, button:focus-visible, summary:focus-visible, [tabindex="0"]:focus-visible {
  outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px;
}
a { color: var(--link); }
button {
  font: inherit; font-size: 0.87rem; color: var(--text); background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  padding: 0.2rem 0.75rem; cursor: pointer;
}
button:hover { border-color: var(--quiet); }
.quiet { color: var(--quiet); font-size: 0.9rem; }
.mono, td, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.number { font-variant-numeric: tabular-nums; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: 0.5rem; top: -4rem; background: var(--card); padding: 0.4rem 0.8rem; border-radius: 6px; }
.skip:focus { top: 0.5rem; }
.top { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; justify-content: space-between; align-items: flex-start; }
.live { display: flex; gap: 0.75rem; align-items: center; }
.lost { color: var(--reset); }
.trouble { margin-top: 1rem; padding: 0.6rem 0.9rem; border-radius: 8px; color: var(--reset); background: var(--reset-back); }
.totals { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 0.6rem; margin-top: 1.25rem; }
.totals div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 0.55rem 0.9rem; display: flex; flex-direction: column-reverse; }
.totals dt { color: var(--quiet); font-size: 0.83rem; }
.totals dd { font-size: 1.35rem; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
.groups { list-style: none; display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.75rem; margin-top: 0.75rem; }
.group { background: var(--card); border: 1px solid var(--line); border-radius: 8px; content-visibility: auto; contain-intrinsic-size: auto 15rem; }
.group article { padding: 0.85rem 1rem; display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.5rem; }
.head { display: flex; gap: 0.25rem 1rem; align-items: baseline; justify-content: space-between; }
.head h3 { min-width: 0; flex: 1; }
.head .measure { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.measure b { font-size: 1.05rem; }
.tags { display: flex; flex-wrap: wrap; gap: 0.25rem 0.75rem; align-items: baseline; font-size: 0.87rem; color: var(--quiet); }
.kind { border-radius: 4px; padding: 0.05rem 0.45rem; font-size: 0.8rem; font-weight: 600; }
.kind-close-wait { color: var(--close-wait); background: var(--close-wait-back); }
.kind-reset { color: var(--reset); background: var(--reset-back); }
.kind-stalled { color: var(--stalled); background: var(--stalled-back); }
.fix { border-left: 3px solid var(--good); padding-left: 0.7rem; }
.fix b { color: var(--good); }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.1rem 1rem; font-size: 0.87rem; }
.facts dt { color: var(--quiet); }
details { font-size: 0.9rem; }
summary { cursor: pointer; color: var(--quiet); width: fit-content; }
summary:hover { color: var(--text); }
.test { position: relative; margin-top: 0.4rem; }
.test button { position: absolute; top: 0.45rem; right: 0.45rem; }
pre { margin: 0; padding: 0.7rem 6rem 0.7rem 0.8rem; background: var(--code); border: 1px solid var(--line); border-radius: 6px; font-size: 0.83rem; white-space: pre-wrap; }
.scroll { overflow-x: auto; margin-top: 0.4rem; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
table { border-collapse: collapse; width: 100%; font-size: 0.83rem; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.75rem; border-bottom: 1px solid var(--line); }
tr:last-child td { border-bottom: 0; }
th { color: var(--quiet); font-weight: 600; white-space: nowrap; }
td.short { white-space: nowrap; }
td.wide { min-width: 14rem; }
td.number, th.number { text-align: right; white-space: nowrap; }
@media (max-width: 40rem) {
  .totals { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .totals div:last-child:nth-child(odd) { grid-column: 1 / -1; }
  .head { flex-direction: column; }
  .head .measure { text-align: left; }
  .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .facts dd { margin-bottom: 0.35rem; }
  .test button { position: static; margin-top: 0.4rem; }
  pre { padding-right: 0.8rem; }
}
`;
