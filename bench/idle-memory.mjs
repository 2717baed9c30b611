// What a pause costs on this machine, without the guard: 256 pages of memory are touched after 20 ms and after 1 s in which nobody did.
// Where the second is dearer by far, as on some virtual machines, so is all that runs once a second.
//
//   node bench/idle-memory.mjs
import { setTimeout as sleep } from 'node:timers/promises';
import { machineLine } from './machine.mjs';
import { fixed } from './render.mjs';
import { median } from './stats.mjs';

const PAGES = 256;
const PAGE_BYTES = 4_096;
const ROUNDS = 12;

const memory = new Uint8Array(PAGES * PAGE_BYTES).fill(1);

/** @returns µs of a round over all pages, the median of several */
async function touchedEvery(ms) {
  const micros = [];
  for (let round = 0; round <= ROUNDS; round++) {
    await sleep(ms);
    const startedAt = performance.now();
    for (let at = 0; at < memory.length; at += PAGE_BYTES) memory[at]++;
    // The first finds cold code, too.
    if (round > 0) micros.push((performance.now() - startedAt) * 1_000);
  }
  return median(micros);
}

for (const ms of [20, 1_000]) {
  const micros = await touchedEvery(ms);
  console.log(`${PAGES} pages touched ${ms} ms apart: ${fixed(micros, 0)} µs, ${fixed(micros / PAGES, 2)} µs a page`);
}
console.log(machineLine());
