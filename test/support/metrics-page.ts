import { readFileSync } from 'node:fs';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads the samples off a page in Prometheus's or OpenMetrics's text format. */
export function samplesOf(page: string): Sample[] {
  return page
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (!match) throw new Error(`not a sample: ${line}`);
      const labels = Object.fromEntries(
        [...(match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]),
      ) as Record<string, string>;
      return { name: match[1]!, labels, value: Number(match[3]) };
    });
}

/** The sum of a metric's samples that have these labels; an empty one is one that is not there. It must be there: a missing metric is an error, not 0. */
export function valueOf(page: string, name: string, labels: Record<string, string> = {}): number {
  const wanted = Object.entries(labels);
  const found = samplesOf(page).filter(
    (sample) => sample.name === name && wanted.every(([label, value]) => (sample.labels[label] ?? '') === value),
  );
  if (found.length === 0) throw new Error(`no ${name}${JSON.stringify(labels)} in:\n${page}`);
  return found.reduce((sum, { value }) => sum + value, 0);
}

/** What the kernel grants of Node's default backlog. */
export function grantedBacklog(): number {
  return Math.min(511, Number(readFileSync('/proc/sys/net/core/somaxconn', 'latin1')));
}
