/**
 * Hangs up on every route of a shop, at every moment: `node examples/audit/audit.mjs` for the one that leaks,
 * `node examples/audit/audit.mjs fixed` for the same with its five bugs fixed. Exits 1 when something leaked.
 */
import { auditRoutes } from 'close-wait-guard/testing';
import { fixedShop } from './fixed.mjs';
import { leakyShop } from './leaky.mjs';
import { startSupplier } from './supplier.mjs';

const supplier = await startSupplier();
const app = process.argv[2] === 'fixed' ? fixedShop(supplier.url) : leakyShop(supplier.url);

const report = await auditRoutes(app);
console.log(String(report));
process.exitCode = report.survived ? 0 : 1;

await app.close();
supplier.close();
