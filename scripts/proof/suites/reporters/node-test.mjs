// A reporter of node:test: one JSON object a line. The same test can stand in a file more than once; a suite is no test.
export default async function* reporter(source) {
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.details?.type === 'suite') continue;
    const skipped = data.skip !== undefined || data.todo !== undefined;
    const outcome = skipped ? 'skipped' : type === 'test:pass' ? 'passed' : 'failed';
    const why =
      outcome === 'failed' ? String(data.details?.error?.cause?.message ?? data.details?.error?.message) : undefined;
    yield `${JSON.stringify({ file: data.file ?? '', name: data.name, level: data.nesting, outcome, why })}\n`;
  }
}
