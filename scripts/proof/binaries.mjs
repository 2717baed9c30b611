/**
 * The binaries of the package, each built twice and run: scripts/check-binaries in its long form.
 *
 *   node scripts/proof/binaries.mjs --write               writes the table into docs/proof.md
 */
import '../check-binaries/main.mjs';
