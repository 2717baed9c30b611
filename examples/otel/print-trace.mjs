const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'];

/** A trace as a tree: each span, below it its events in the order of time, and the spans that it is the parent of. */
export function printTrace(traceId, spans, records) {
  const ids = new Set(spans.map((span) => span.spanContext().spanId));
  const roots = spans.filter((span) => !ids.has(span.parentSpanContext?.spanId));
  const started = Math.min(...spans.map(({ startTime }) => milliseconds(startTime)));
  console.log(`trace ${traceId}`);
  for (const root of roots) printSpan(root, '  ');

  function printSpan(span, indent) {
    const { spanId } = span.spanContext();
    console.log(`${indent}${KINDS[span.kind]} "${span.name}" ${spanId}, ${Math.round(milliseconds(span.duration))} ms`);
    for (const { eventName, body, hrTime, spanContext } of records) {
      if (spanContext?.spanId !== spanId) continue;
      const after = Math.round(milliseconds(hrTime) - started);
      console.log(`${indent}  event ${eventName}, after ${after} ms: ${body}`);
    }
    for (const child of spans) if (child.parentSpanContext?.spanId === spanId) printSpan(child, `${indent}  `);
  }
}

/** Of seconds and nanoseconds. */
function milliseconds([seconds, nanoseconds]) {
  return seconds * 1_000 + nanoseconds / 1e6;
}
