/** Prints rows of text under a header, each column as wide as it has to be. */
export function printTable(header, rows) {
  const widths = header.map((title, column) => Math.max(...[title, ...rows.map((row) => row[column])].map(lengthOf)));
  for (const row of [header, ...rows]) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    );
  }
}

const lengthOf = (text) => text.length;
