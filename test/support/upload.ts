import { getDefaultHighWaterMark } from 'node:stream';

/**
 * An upload that nobody reads and whose sender's FIN still arrives. Of an unread body Node takes one read (64 KiB) and a
 * high-water mark's worth (16 KiB in Node 20, 64 KiB later) and leaves the rest in the kernel: a smaller body is taken
 * whole, so that Node notices the client leaving; one larger by more than the first receive window (64 KiB) keeps the FIN
 * from arriving, and how much larger depends on how the bytes were cut into segments.
 */
export const UPLOAD_BYTES = 65_536 + getDefaultHighWaterMark(false) + 24_576;

/** An upload whose pipeline fails: a read and more have been taken from it by then, and what is left has to be as large. */
export const ABANDONED_BYTES = getDefaultHighWaterMark(false) > 16_384 ? 262_144 : 172_032;
