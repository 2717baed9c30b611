import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildReport } from '../../../src/guard/report-builder.js';
import { JSON_FORM, TERMINAL_FORM } from '../../../src/preload/log-line.js';
import { leakFacts } from '../../support/leak-facts.js';
import { propertyRuns } from '../../support/property-runs.js';

const RUNS = propertyRuns(1_000);

/** Control characters and escape sequences of terminals, halves of characters, what turns the direction of writing. */
const hostile = fc.string({
  unit: fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom('\n', '\r', '\u001b[2J', '\u009b', '\0', '\u202e', '\u2028', '"', '\\') },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
    // No pair of halves that makes a character.
    { weight: 1, arbitrary: fc.constantFrom('\ud800', '\udfff') },
  ),
  maxLength: 30,
});
const gathered = fc
  .record({ event: fc.constantFrom('leak', 'released', 'reclaimed'), more: fc.nat(3), text: hostile, name: hostile })
  .map(({ event, more, text, name }) => {
    const facts = leakFacts({ server: name, method: 'POST', route: text, path: text, destination: text });
    const report = buildReport(facts, () => ({ fingerprint: '0123456789ab', count: 1 }));
    const leak = { ...report, explanation: `${report.explanation} ${text}` };
    return { event, leak, more, open: 1 };
  });

describe('whatever stands in a report', () => {
  it('is one line of JSON, and comes back as it was', () => {
    fc.assert(
      fc.property(gathered, (what) => {
        const line = JSON_FORM.leak(what).toString();
        expect(line.indexOf('\n')).toBe(line.length - 1);
        const parsed = JSON.parse(line);
        expect(parsed.event).toBe(what.event);
        expect(parsed.leak).toEqual(JSON.parse(JSON.stringify(what.leak)));
        expect([parsed.leak.explanation, parsed.leak.route]).toEqual([what.leak.explanation, what.leak.route]);
      }),
      RUNS,
    );
  });

  it('is one line at a terminal, and nothing that the terminal obeys', () => {
    fc.assert(
      fc.property(gathered, (what) => {
        for (const bytes of [TERMINAL_FORM.leak(what), ...TERMINAL_FORM.list([what.leak])]) {
          const line = bytes.toString();
          expect(line.at(-1)).toBe('\n');
          expect(line.slice(0, -1)).not.toMatch(/\p{C}/u);
        }
      }),
      RUNS,
    );
  });
});
