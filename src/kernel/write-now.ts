import { loadBinding } from './loader.js';

/**
 * Writes what goes at once to an inherited pipe, socket or terminal. Its O_NONBLOCK is left alone: processes that share the
 * open file description would see the change. Returns the bytes written, or minus an errno.
 */
export function writeNow(fd: number, bytes: Uint8Array): number {
  const { binding } = loadBinding();
  return binding ? binding.writeNow(fd, bytes) : -ENOSYS;
}

const ENOSYS = 38;
