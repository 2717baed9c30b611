/** How many letters one has to change, add, remove or swap with the next one. */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min(change, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Two letters are a misspelling, more are another word. */
const MOST_LETTERS = 2;

/** The known name that was most likely meant: one that `written` is a slip of. Undefined where none is near. */
export function nearestOf(written: string, known: readonly string[]): string | undefined {
  const text = written.slice(0, 100).toLowerCase();
  let nearest: string | undefined;
  // A name of three letters is two letters away from any other.
  let least = Math.min(MOST_LETTERS, Math.floor(text.length / 3)) + 1;
  for (const name of known) {
    const letters = distance(text, name.toLowerCase());
    if (letters < least) [nearest, least] = [name, letters];
  }
  return nearest;
}
