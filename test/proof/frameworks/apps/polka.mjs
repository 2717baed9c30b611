import { createGuard } from 'close-wait-guard';
import polka from 'polka';
import { told } from './told.mjs';

const app = polka();
app.post('/albums/:album/photos/:id', (req, res) => {
  // The fix goes here.
});
app.listen(0, '127.0.0.1', () => console.log(`port ${app.server.address().port}`));
const guard = createGuard(told);
guard.watch(app.server, {
  routeOf({ method, originalUrl }) {
    const found = app.find(method, originalUrl.split('?')[0]);
    return Object.keys(app.handlers[method]).find((pattern) => app.handlers[method][pattern] === found?.handlers);
  },
});
