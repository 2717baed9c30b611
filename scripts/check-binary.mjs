/**
 * Which systems a built addon loads on: `node scripts/check-binary.mjs FILE.node…`, or of a packed tarball
 * `node scripts/check-binary.mjs PACKAGE.tgz`.
 *
 * Prints for each binary the newest version of each library that its symbols ask for, and what it links to; fails when that
 * is more than Node's own binaries ask for. Reads the ELF file itself: no binutils needed.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** glibc 2.17 is RHEL 7's; libstdc++ 3.4.21 is gcc 5's, and what official Node binaries ask for. */
const NEWEST = { GLIBC: '2.17', GLIBCXX: '3.4.21', CXXABI: '1.3.9', GCC: '4.2.0' };
const LIBRARIES =
  /^(libc\.so\.6|libm\.so\.6|libpthread\.so\.0|libdl\.so\.2|libgcc_s\.so\.1|libstdc\+\+\.so\.6|ld-linux-.*|libc\.musl-.*|libc\.so)$/;

const [SHT_DYNAMIC, SHT_DYNSYM] = [6, 11];
const SHT_GNU_VERNEED = 0x6ffffffe;
const DT_NEEDED = 1;

const PT_GNU_RELRO = 0x6474e552;
const [DT_FLAGS, DT_FLAGS_1, DF_BIND_NOW, DF_1_NOW] = [30, 0x6ffffffb, 8, 1];
const MACHINES = { 62: 'x64', 183: 'arm64' };

/**
 * Of a 64-bit little-endian ELF file: the versions of symbols it asks for, what it links to, its processor, and whether all its
 * symbols are bound when it is loaded, and read-only from then on.
 */
export function requirementsOf(file) {
  const elf = fs.readFileSync(file);
  if (elf.readUInt32BE(0) !== 0x7f454c46) throw new Error(`${file} is no ELF file`);
  if (elf[4] !== 2 || elf[5] !== 1) throw new Error(`${file} is not 64-bit little-endian`);
  const u64 = (at) => Number(elf.readBigUInt64LE(at));
  const [start, size, count] = [u64(40), elf.readUInt16LE(58), elf.readUInt16LE(60)];
  const sections = Array.from({ length: count }, (_, i) => {
    const at = start + i * size;
    return {
      type: elf.readUInt32LE(at + 4),
      offset: u64(at + 24),
      size: u64(at + 32),
      link: elf.readUInt32LE(at + 40),
    };
  });
  const text = (strings, index) => {
    const from = sections[strings].offset + index;
    return elf.toString('latin1', from, elf.indexOf(0, from));
  };

  const [segments, segmentSize] = [u64(32), elf.readUInt16LE(54)];
  const kinds = Array.from({ length: elf.readUInt16LE(56) }, (_, i) => elf.readUInt32LE(segments + i * segmentSize));
  let bindNow = false;
  const needed = [];
  for (const { offset, size: length, link } of sections.filter(({ type }) => type === SHT_DYNAMIC)) {
    for (let at = offset; at < offset + length; at += 16) {
      const [tag, value] = [u64(at), u64(at + 8)];
      if (tag === DT_NEEDED) needed.push(text(link, value));
      bindNow ||= (tag === DT_FLAGS && (value & DF_BIND_NOW) !== 0) || (tag === DT_FLAGS_1 && (value & DF_1_NOW) !== 0);
    }
  }
  const [undefinedSymbols, exported] = [[], []];
  for (const { offset, size: length, link } of sections.filter(({ type }) => type === SHT_DYNSYM)) {
    // Elf64_Sym, of which st_shndx is 0 for what another file has; the first one is empty.
    for (let at = offset + 24; at < offset + length; at += 24) {
      const list = elf.readUInt16LE(at + 6) === 0 ? undefinedSymbols : exported;
      list.push(text(link, elf.readUInt32LE(at)));
    }
  }
  const versions = [];
  for (const { offset, link } of sections.filter(({ type }) => type === SHT_GNU_VERNEED)) {
    // A list of libraries, each with a list of versions (Elf64_Verneed, Elf64_Vernaux).
    for (let at = offset; ; at += elf.readUInt32LE(at + 12)) {
      const entries = elf.readUInt16LE(at + 2);
      let entry = at + elf.readUInt32LE(at + 8);
      for (let i = 0; i < entries; i++, entry += elf.readUInt32LE(entry + 12)) {
        versions.push(text(link, elf.readUInt32LE(entry + 8)));
      }
      if (elf.readUInt32LE(at + 12) === 0) break;
    }
  }
  return {
    needed,
    versions,
    undefinedSymbols,
    exported,
    bindNow,
    relro: kinds.includes(PT_GNU_RELRO),
    machine: MACHINES[elf.readUInt16LE(18)],
  };
}

/** The newest version of each family of symbols, `GLIBC_2.16`. */
export function floorOf({ versions }) {
  const newest = new Map();
  for (const version of versions) {
    const [family, number] = version.split('_');
    if (!newest.has(family) || isNewer(number, newest.get(family))) newest.set(family, number);
  }
  return Array.from(newest, ([family, number]) => `${family}_${number}`).sort();
}

const numbers = (version) => version.split('.').map(Number);
function isNewer(one, other) {
  const [a, b] = [numbers(one), numbers(other)];
  const at = a.findIndex((number, i) => number !== (b[i] ?? 0));
  return at !== -1 && a[at] > (b[at] ?? 0);
}

/** What of these requirements goes beyond Node's own, one line each. */
export function excessOf({ needed, versions }) {
  const tooNew = versions.filter((version) => {
    const [, family, number] = /^([A-Z]+)_([\d.]+)$/.exec(version) ?? [];
    return NEWEST[family] === undefined || isNewer(number, NEWEST[family]);
  });
  return [
    ...tooNew.map((version) => `asks for ${version}`),
    ...needed.filter((library) => !LIBRARIES.test(library)).map((library) => `links to ${library}`),
  ];
}

function report(file, shown) {
  const requirements = requirementsOf(file);
  console.log(`${shown}: ${floorOf(requirements).join(' ')}; NEEDED ${requirements.needed.join(' ')}`);
  const excess = excessOf(requirements);
  for (const line of excess) console.error(`${shown}: ${line}`);
  return excess.length === 0;
}

function binariesIn(folder) {
  return fs.readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.node'));
}

function main(given) {
  if (given.length === 0) throw new Error('usage: node scripts/check-binary.mjs FILE.node… | PACKAGE.tgz');
  const results = given.flatMap((file) => {
    if (!file.endsWith('.tgz')) return [report(file, file)];
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'check-binary-'));
    try {
      const { status } = spawnSync('tar', ['-xzf', file, '-C', folder], { stdio: 'inherit' });
      const found = status === 0 ? binariesIn(folder) : [];
      if (found.length === 0) console.error(`${file}: there is no .node file in it`);
      return found.length === 0 ? [false] : found.map((name) => report(path.join(folder, name), name));
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
  if (results.includes(false)) process.exitCode = 1;
}

if (import.meta.filename === fs.realpathSync(process.argv[1] ?? '')) main(process.argv.slice(2));
