import { wrap } from '../frame/table.js';
import type { Finding } from './finding.js';

const INDENT = '         ';

/** What a terminal shows of the findings: the verdict, what was found, and below it what to do. */
export function pageOf(findings: readonly Finding[], columns: number): string {
  const width = Math.min(columns, 100);
  const lines = findings.map(({ verdict, check, found, advice }) => {
    const first = wrap(`${check}: ${found}`, width, INDENT);
    return (
      verdict.padEnd(INDENT.length) +
      first.slice(INDENT.length) +
      (advice === undefined ? '' : wrap(`-> ${advice}`, width, INDENT))
    );
  });
  const count = (verdict: string): number => findings.filter((each) => each.verdict === verdict).length;
  return `${lines.join('')}\n${count('problem')} problems, ${count('note')} notes, ${count('ok')} ok\n`;
}
