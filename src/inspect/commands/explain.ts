import { readFileSync } from 'node:fs';
import { inspectValue } from '../../base/errors.js';
import { LEAK_CAUSES, type LeakCause } from '../../base/vocabulary.js';
import { CAUSES } from '../../leaks/causes/index.js';
import { meant, onlyPositional } from '../frame/arguments.js';
import { CLEAN, type Command } from '../frame/command.js';
import { UsageError } from '../frame/errors.js';
import { markdownAsText, leadOf } from '../frame/markdown.js';
import { packageFile } from '../frame/package-file.js';
import { table } from '../frame/table.js';

export const explain: Command = {
  name: 'explain',
  summary: 'Says what a cause is, how its code looks, and what to do.',
  usage: '[cause]',
  options: { json: { type: 'boolean', help: 'As JSON: name and page, as Markdown.' } },
  help: () => `
Prints the page of a cause, as in docs/causes: what it is, what to do, code that leaks and code that does not.
Without an argument it lists the causes that reports have.`,
  run: (args, io) => {
    const { positionals } = args;
    const names = positionals.length === 0 ? LEAK_CAUSES : [readCause(onlyPositional(args, 'one cause'))];
    const pages = names.map((name) => ({ cause: name, page: pageOf(name) }));
    if (args.values.json) io.out(`${JSON.stringify(positionals.length === 0 ? pages : pages[0], undefined, 2)}\n`);
    else if (positionals.length > 0) io.out(markdownAsText(pages[0]!.page, io.columns));
    else {
      const rows = pages.map(({ cause, page }) => [cause, leadOf(page)]);
      io.out(table([{ title: 'CAUSE' }, { title: 'WHAT', cut: true }], rows, io.columns));
    }
    return Promise.resolve(CLEAN);
  },
};

function readCause(text: string): LeakCause {
  const name = LEAK_CAUSES.find((each) => each === text);
  if (name !== undefined) return name;
  throw new UsageError(
    `there is no cause ${inspectValue(text)}; the causes are ${LEAK_CAUSES.join(', ')}${meant(text, LEAK_CAUSES)}`,
  );
}

function pageOf(name: LeakCause): string {
  return readFileSync(packageFile(CAUSES[name].docs), 'utf8');
}
