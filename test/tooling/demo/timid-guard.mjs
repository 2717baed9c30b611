/** Preloaded into the demo: reclaim destroys nothing, so that the demo must notice that the guard's word is not the kernel's. */
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';

Socket.prototype.destroy = function destroy(error) {
  return error?.code === 'CWG_ERR_RECLAIMED' ? this : Duplex.prototype.destroy.call(this, error);
};
