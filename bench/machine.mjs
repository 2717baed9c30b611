import { cpus, release, totalmem, type } from 'node:os';

/** What the numbers were measured on; without it they mean nothing. */
export function machineLine() {
  const cores = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const model = cores[0]?.model.trim() || 'unknown CPU';
  const date = new Date().toISOString().slice(0, 10);
  return `${model}, ${cores.length} cores, ${memory} GiB, ${type()} ${release()}, Node ${process.versions.node}, ${date}`;
}
